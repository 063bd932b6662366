"""Which setting is best: of the search by its metric, of the confirmation by mean validation. Test selects nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from aikd_tune.report.arms import Arm, confirmation_arms
from aikd_tune.report.frames import StudyRecords, setting_of
from aikd_tune.report.measures import measure
from aikd_tune.spec import Search, Setting


@dataclass(frozen=True)
class Winner:
    """The chosen setting and how it was chosen.

    ``arm`` is its arm of the confirmation (None while there is none), ``seeds`` those over which validation decided
    (empty where the search alone did), ``set_aside`` the confirmed settings left out because a seed of theirs broke.
    """

    number: int
    setting: Setting
    arm: Arm | None = None
    contenders: int = 0
    seeds: tuple[int, ...] = ()
    set_aside: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        """``setting 17``."""
        return f"setting {self.number}"


def ranked(search: pd.DataFrame, rule: Search) -> pd.DataFrame:
    """Complete search trials with a finite metric, best first: by metric, then tie_break, then the earlier setting."""
    metric, tie_break = measure(rule.metric), measure(rule.tie_break)
    complete = search[(search["state"] == "complete") & np.isfinite(search[rule.metric].astype(float))]
    keyed = complete.assign(
        first_key=complete[rule.metric].map(metric.minimised),
        second_key=complete[rule.tie_break].map(tie_break.minimised),
    )
    ordered = keyed.sort_values(["first_key", "second_key", "setting"], na_position="last", ignore_index=True)
    return ordered.drop(columns=["first_key", "second_key"])


def select_winner(records: StudyRecords, arms: Sequence[Arm] | None = None) -> Winner | None:
    """The winner of a study, or None while no search trial is complete.

    With ``confirm.train_on: train`` it is the confirmed setting with the best mean validation metric over the seeds
    that all contenders have; a setting of which a seed diverged or failed contends only where every one has. With
    ``train+val`` validation images were trained on, so the best search setting stays.
    """
    order = ranked(records.search, records.study.search)
    if order.empty:
        return None
    arms = confirmation_arms(records.confirmation) if arms is None else arms
    confirmed = [arm for arm in arms if not arm.is_baseline and arm.setting is not None]
    if records.study.confirm.train_on == "train":
        chosen = _by_validation(confirmed, records.study.search)
        if chosen is not None:
            return chosen
    best = order.iloc[0]
    number = int(best["setting"])
    return Winner(number, setting_of(best["config"]), next((arm for arm in confirmed if arm.setting == number), None))


def _by_validation(confirmed: Sequence[Arm], rule: Search) -> Winner | None:
    started = [arm for arm in confirmed if arm.values(rule.metric)]
    contenders = [arm for arm in started if not arm.seeds("diverged", "failed")] or started
    seeds = sorted(set.intersection(*(set(arm.values(rule.metric)) for arm in contenders))) if contenders else []
    if not seeds:
        return None
    means = {
        arm: (_mean(arm, rule.metric, seeds), _mean(arm, rule.tie_break, seeds), arm.setting or 0) for arm in contenders
    }
    best = min(contenders, key=means.__getitem__)
    assert best.setting is not None
    set_aside = tuple(arm.label for arm in confirmed if arm not in contenders and arm.seeds("diverged", "failed"))
    return Winner(best.setting, setting_of(best.config), best, len(contenders), tuple(seeds), set_aside)


def _mean(arm: Arm, column: str, seeds: Sequence[int]) -> float:
    """The mean over ``seeds``, with its sign set so that less is better; inf where a seed has no value."""
    values = arm.values(column)
    if any(seed not in values for seed in seeds):
        return float("inf")
    # Rounded, so that means that are equal but for the last bits do go to the tie-break.
    return round(measure(column).minimised(float(np.mean([values[seed] for seed in seeds]))), 9)
