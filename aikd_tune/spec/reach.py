"""The values that a field of a study file may take."""

from aikd_tune.spec.defaults import inherited
from aikd_tune.spec.domains import Domain, IntRange, LogUniform, Uniform, is_number
from aikd_tune.spec.draft import Draft
from aikd_tune.spec.leaves import Scalar


def possible(draft: Draft, path: str) -> tuple[Scalar, ...]:
    """The values that decide a rule about ``path``: the fixed one, each option, or both ends of a range; and ``or``.

    A domain with a ``when`` leaves the field at its default where that does not hold.
    """
    domain = draft.domains.get(path)
    if domain is not None and not domain.when:
        return ends(domain)
    value = draft.value(path)
    assert not isinstance(value, tuple)
    source = inherited(path)
    fixed = possible(draft, source) if value is None and source is not None else (value,)
    return fixed if domain is None else (*ends(domain), *fixed)


def ends(domain: Domain) -> tuple[Scalar, ...]:
    """Both ends of a range or each option of a choice; and ``or``."""
    if isinstance(domain, Uniform | LogUniform | IntRange):
        proper: tuple[Scalar, ...] = (domain.low, domain.high)
    else:
        proper = domain.options
    return (*proper, *domain.switch)


def highest(draft: Draft, path: str) -> float:
    """The highest number that ``path`` may take."""
    return max(value for value in possible(draft, path) if is_number(value))
