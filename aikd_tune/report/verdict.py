"""The answer of a study in words: does the tuned AI-KD beat the CE baseline on test, and how far to trust it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aikd_tune.report.arms import Arm, confirmation_arms
from aikd_tune.report.caveats import ce_arm, looks_note, notes, num_test_looks
from aikd_tune.report.frames import StudyRecords
from aikd_tune.report.intervals import Estimate, paired_difference
from aikd_tune.report.measures import Measure, measure
from aikd_tune.report.selection import Winner, select_winner
from aikd_tune.spec import Setting

Outcome = Literal["better", "worse", "no difference shown", "open"]

HEADLINES: dict[Outcome, str] = {
    "better": "Tuned AI-KD is better than the CE baseline on test",
    "worse": "Tuned AI-KD is worse than the CE baseline on test",
    "no difference shown": "No difference shown between tuned AI-KD and the CE baseline on test",
}


@dataclass(frozen=True)
class Verdict:
    """``headline`` answers, ``detail`` gives the figures, ``notes`` are what a reader must know beside them.

    ``open``: there is no answer (yet), and ``detail`` says why.
    """

    outcome: Outcome
    headline: str
    detail: str
    arms: tuple[Arm, ...] = ()
    notes: tuple[str, ...] = ()
    winner: Winner | None = None
    baseline: Arm | None = None
    measure: Measure | None = None
    difference: Estimate | None = None
    """AI-KD minus CE on test, paired by seed."""

    @property
    def sentence(self) -> str:
        """The answer in one line."""
        return f"{self.headline}: {self.detail}."


def decide(records: StudyRecords) -> Verdict:
    """The verdict of a study in any state, from no trial at all to a finished confirmation."""
    arms = confirmation_arms(records.confirmation)
    winner = select_winner(records, arms)
    obstacle = _obstacle(records, arms, winner)
    if obstacle:
        looks = (looks_note(records, None),) if num_test_looks(records) else ()
        return Verdict("open", *obstacle, tuple(arms), looks, winner)
    assert winner is not None
    assert winner.arm is not None
    baseline = ce_arm(arms, winner)
    assert baseline is not None
    shown = measure(records.study.search.metric).on("test")
    ours, theirs = winner.arm.values(shown.name), baseline.values(shown.name)
    difference = paired_difference(ours, theirs)
    outcome = judge(difference, shown)
    unfinished = is_unfinished(records, arms)
    headline = HEADLINES[outcome]
    return Verdict(
        outcome=outcome,
        headline=f"So far, {headline[0].lower()}{headline[1:]}" if unfinished else headline,
        detail=_detail(difference, shown, winner.arm, baseline),
        arms=tuple(arms),
        notes=tuple(notes(records, winner, baseline, unfinished)),
        winner=winner,
        baseline=baseline,
        measure=shown,
        difference=difference,
    )


def judge(difference: Estimate, shown: Measure) -> Outcome:
    """``better`` or ``worse`` only if the interval of ours minus theirs excludes zero."""
    if not difference.excludes_zero or difference.mean is None:
        return "no difference shown"
    return "better" if shown.minimised(difference.mean) < 0 else "worse"


def is_unfinished(records: StudyRecords, arms: Sequence[Arm]) -> bool:
    """Whether confirmation trials are missing or running."""
    confirm = records.study.confirm
    complete = int((records.search["state"] == "complete").sum())
    expected = min(confirm.settings, complete) + len(confirm.baselines)
    return len(arms) < expected or any(
        len(arm.trials) < confirm.replicates or bool(arm.seeds("running")) for arm in arms
    )


def _obstacle(records: StudyRecords, arms: Sequence[Arm], winner: Winner | None) -> tuple[str, str] | None:
    """Why there is no answer, as headline and detail; None when there is one."""
    states = records.search["state"]
    if states.empty:
        return "No answer yet", "no trial has been started"
    if winner is None:
        if (states == "running").any():
            return "No answer yet", "no trial is complete"
        ended = ", ".join(f"{count} {state}" for state, count in states.value_counts(sort=False).items())
        return "No answer", f"no trial of the search was completed ({ended})"
    if not arms:
        if records.study.confirm.settings == 0:
            return "Not asked", "this study confirms no setting (confirm.settings: 0), so its test set is closed"
        return "No answer yet", "the confirmation has not begun, and the test set is closed until then"
    if not _uses_aikd(winner.setting):
        return "Nothing to compare", f"the best setting, {winner.label}, has every term of AI-KD off"
    shown = measure(records.study.search.metric).on("test").name
    baseline = ce_arm(arms, winner)
    if baseline is None and "ce" not in records.study.confirm.baselines:
        return "No answer", "the CE baseline is not among confirm.baselines"
    for arm, label in ((winner.arm, winner.label), (baseline, "the CE baseline")):
        if arm is not None and len(arm.seeds("diverged", "failed")) == len(arm.trials):
            return "No answer", f"every confirmation trial of {label} diverged or failed"
        if arm is None or not arm.values(shown):
            return "No answer yet", f"no confirmation trial of {label} is complete"
    return None


def _uses_aikd(setting: Setting) -> bool:
    distill = setting.distill
    weights = (distill.teacher.weight, distill.previous.weight, distill.adversarial.weight)
    return distill.method == "aikd" and any(weight > 0 for weight in weights)


def _detail(difference: Estimate, shown: Measure, ours: Arm, theirs: Arm) -> str:
    """The figures behind the headline: means over the seeds in common, their difference, its interval and n."""
    if difference.mean is None:
        return "they have no complete seed in common"
    means = common_means(shown, ours, theirs)
    figures = " against ".join(shown.with_unit(mean) for mean in means)
    if difference.n == 1:
        return f"{shown.label} {figures}, but one paired seed gives no interval"
    if difference.low is None:
        return f"{shown.label} {figures}, and all {difference.n} pairs differ by the same, which gives no interval"
    return (
        f"{shown.label} {figures}, a difference of {shown.signed(difference.mean)}{shown.difference_unit} "
        f"(95 % interval {shown.interval(difference)}, n = {difference.n} paired seeds)"
    )


def common_means(shown: Measure, ours: Arm, theirs: Arm) -> tuple[float, float]:
    """Both means over the seeds that both arms have, so that they differ by the paired difference."""
    first, second = ours.values(shown.name), theirs.values(shown.name)
    seeds = sorted(first.keys() & second.keys())
    return sum(first[seed] for seed in seeds) / len(seeds), sum(second[seed] for seed in seeds) / len(seeds)
