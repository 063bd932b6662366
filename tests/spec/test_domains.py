import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_strategies import many, members_of

from aikd_tune.spec import ABSENT, Choice, Domain, IntRange, LogUniform, Scalar, Uniform

scalars = st.none() | st.booleans() | st.integers(-50, 50) | st.floats(-50, 50) | st.sampled_from(["a", "b", "off"])
switches = st.just(ABSENT) | scalars


@st.composite
def domains(draw: st.DrawFn) -> Domain:
    or_ = draw(switches)
    low, high = draw(st.integers(-20, 20)), draw(st.integers(1, 20))
    match draw(st.sampled_from(["uniform", "loguniform", "int", "choice"])):
        case "uniform":
            return Uniform(float(low), float(low + high), or_=or_)
        case "loguniform":
            return LogUniform(float(high), float(high + 1), or_=or_)
        case "int":
            step = draw(st.integers(1, 5))
            return IntRange(low, low + step * high, step, or_=or_)
        case _:
            return Choice(tuple(draw(st.lists(scalars, min_size=1, max_size=4, unique_by=repr))), or_=or_)


@many
@given(domains(), st.data())
def test_what_is_drawn_is_contained_and_nearest_to_itself(domain: Domain, data: st.DataObject) -> None:
    value = data.draw(members_of(domain))
    assert domain.contains(value)
    assert domain.nearest(value) is value


@many
@given(domains(), scalars)
def test_the_nearest_is_contained(domain: Domain, value: Scalar) -> None:
    assert domain.contains(domain.nearest(value))


@many
@given(domains(), st.floats(-60, 60))
def test_no_number_of_the_domain_proper_is_nearer(domain: Domain, value: float) -> None:
    near = domain.nearest(value)
    proper = domain.options if isinstance(domain, Choice) else _sample(domain)
    for other in proper:
        if isinstance(other, int | float) and not isinstance(other, bool):
            assert isinstance(near, int | float)
            assert abs(near - value) <= abs(other - value)


def _sample(domain: Uniform | LogUniform | IntRange) -> list[float]:
    if isinstance(domain, IntRange):
        return list(range(domain.low, domain.high + 1, domain.step))
    return [domain.low + share * (domain.high - domain.low) for share in (0.0, 0.3, 0.7, 1.0)]


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        (Uniform(1.0, 2.0), [1, 1.5, 2.0], [0.99, 2.01, True, "1.5", None, math.nan]),
        (LogUniform(0.01, 10.0, or_=0.0), [0, 0.0, 0.01, 10], [0.005, False, None]),
        (LogUniform(1.0, 10.0, or_=None), [None, 1], [0]),
        (IntRange(2, 8, step=3), [2, 5, 8, 5.0], [3, 8.5, 11, "5", True]),
        (Choice((1, "a", None, False)), [1, 1.0, "a", None, False], [True, 0, "b"]),
        (Choice(("a",), or_="off"), ["a", "off"], [None, "of"]),
    ],
)
def test_contains(domain: Domain, inside: list[Scalar], outside: list[Scalar]) -> None:
    assert [domain.contains(value) for value in inside] == [True] * len(inside)
    assert [domain.contains(value) for value in outside] == [False] * len(outside)


@pytest.mark.parametrize(
    ("domain", "value", "nearest"),
    [
        (LogUniform(1.0, 10.0, or_=0.0), 0.3, 1.0),  # never the switch, unless it is meant
        (LogUniform(1.0, 10.0, or_=0.0), 0.0, 0.0),
        (Uniform(1.0, 10.0), None, 1.0),
        (IntRange(0, 9, step=3), 100, 9),
        (IntRange(0, 9, step=3), 4, 3),
        (Choice(("constant", "linear", "cosine")), "cosin", "cosine"),
        (Choice(("64", "128")), "256-64", "64"),
        (Choice((8, 16, 64)), 30, 16),
        (Choice(("a", 3)), None, "a"),
    ],
)
def test_nearest(domain: Domain, value: Scalar, nearest: Scalar) -> None:
    assert domain.nearest(value) == nearest


@pytest.mark.parametrize(
    ("domain", "size", "members"),
    [
        (IntRange(2, 8, step=3, or_=0), 4, (2, 5, 8, 0)),
        (IntRange(1, 3, log=True), 3, (1, 2, 3)),
        (Choice(("a", "b"), or_=None), 3, ("a", "b", None)),
    ],
)
def test_members_of_finite_domains(domain: IntRange | Choice, size: int, members: tuple[Scalar, ...]) -> None:
    assert domain.size == size
    assert domain.members == members


def test_ranges_of_numbers_have_no_size() -> None:
    assert Uniform(0.0, 1.0).size is None
    assert LogUniform(0.1, 1.0, or_=0).size is None


def test_a_switch_of_null_is_not_the_lack_of_one() -> None:
    assert Uniform(0.0, 1.0, or_=None).has_or
    assert not Uniform(0.0, 1.0).has_or
