"""The settings that every search begins with, so that tuned AI-KD has met its parts; and the baselines."""

from typing import Literal

from aikd_tune.spec.defaults import fill
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.keys import canonical
from aikd_tune.spec.leaves import Scalar
from aikd_tune.spec.study import Study

TERMS = ("teacher", "previous", "adversarial")

# What is left on in each special case: one term alone, then all but one.
PARTS: tuple[frozenset[str], ...] = (
    frozenset({"teacher"}),
    frozenset({"previous"}),
    frozenset({"previous", "adversarial"}),
    frozenset({"teacher", "adversarial"}),
    frozenset({"teacher", "previous"}),
)

SMOOTHING = 0.1  # torch's usual form; where the study smooths by itself, its own


def first_settings(study: Study) -> list[Setting]:
    """The defaults and their special cases, as far as the space allows, none twice."""
    settings = [fill(study.base)]
    if study.base.distill.method == "aikd":
        settings += [setting for kept in PARTS if (setting := _with_terms(study, kept)) is not None]
    distinct: dict[tuple[tuple[str, Scalar], ...], Setting] = {}
    for setting in settings:
        distinct.setdefault(tuple(canonical(setting).items()), setting)
    return list(distinct.values())


def _with_terms(study: Study, kept: frozenset[str]) -> Setting | None:
    """The defaults with no term but ``kept``; None where the space does not reach that."""
    base = study.space.values(study.base)
    switched = {f"distill.{term}.weight": 0.0 for term in TERMS if term not in kept}
    setting = study.space.resolve(study.base, base | switched)
    weights = {term: getattr(setting.distill, term).weight for term in TERMS}
    reached = all((weights[term] > 0) == (term in kept) for term in TERMS)
    return setting if reached and study.space.contains(setting) else None


def baseline_setting(setting: Setting, method: Literal["ce", "label_smoothing"]) -> Setting:
    """``setting`` trained by a baseline: cross-entropy alone, or with label smoothing (0.1 unless it has its own)."""
    train = setting.train
    if method == "label_smoothing" and train.label_smoothing == 0:
        train = train.model_copy(update={"label_smoothing": SMOOTHING})
    distill = setting.distill.model_copy(update={"method": method})
    return setting.model_copy(update={"train": train, "distill": distill})
