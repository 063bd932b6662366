"""What must be said beside a comparison: choice, tuning of the baseline, test looks, missing seeds, scope."""

from collections.abc import Sequence

import pandas as pd

from aikd_tune.report.arms import Arm
from aikd_tune.report.frames import StudyRecords, setting_of
from aikd_tune.report.measures import measure, plural
from aikd_tune.report.selection import Winner
from aikd_tune.spec import active_fields


def num_test_looks(records: StudyRecords) -> int:
    """How often the test set was opened: by the ledger, and by the trials should the ledger be lost."""
    in_trials = records.trials["test_look"].max()
    return max(len(records.provenance.get("test_looks", ())), 0 if pd.isna(in_trials) else int(in_trials))


def changed_fields(baseline: Arm, winner: Winner) -> list[str]:
    """Fields that matter to the baseline and differ from the winner's."""
    theirs, ours = active_fields(setting_of(baseline.config)), active_fields(winner.setting)
    return [path for path, value in theirs.items() if path != "distill.method" and ours.get(path, value) != value]


def ce_arm(arms: Sequence[Arm], winner: Winner) -> Arm | None:
    """The CE baseline with the winner's own training values where there is one, else that of the latest look."""
    found = [arm for arm in arms if arm.is_baseline and arm.method == "ce"]
    return max(found, key=lambda arm: (not changed_fields(arm, winner), arm.test_look or 0), default=None)


def notes(records: StudyRecords, winner: Winner, baseline: Arm, unfinished: bool) -> list[str]:
    """What a reader must know beside the headline, most important first."""
    assert winner.arm is not None
    found = []
    if unfinished:
        found.append("The confirmation is not finished: setting, figures and interval may still change.")
    found += [_choice_note(records, winner), tuning_note(records, winner, baseline), looks_note(records, winner.arm)]
    broken = [
        f"{arm.label}, seed {', '.join(map(str, seeds))}"
        for arm in (winner.arm, baseline)
        if (seeds := arm.seeds("diverged", "failed"))
    ]
    if broken:
        found.append(f"Seeds that diverged or failed are missing from the comparison: {'; '.join(broken)}.")
    if winner.set_aside:
        found.append(f"Not eligible, because a seed diverged or failed: {', '.join(winner.set_aside)}.")
    images = num_images(records, winner.arm)
    of = f" of {images:,} test images" if images else ""
    found.append(f"The interval covers training seeds on one fixed split{of}; it says nothing of other images.")
    return found


def _choice_note(records: StudyRecords, winner: Winner) -> str:
    metric, chosen = measure(records.study.search.metric), winner.label.capitalize()
    if records.study.confirm.train_on == "train+val":
        return (
            f"{chosen} is the best of the search by {metric.phrase}. The confirmation trained on the validation images "
            "too, so validation selected nothing there."
        )
    if not winner.seeds:
        return f"{chosen} is the best of the search by {metric.phrase}."
    return (
        f"{chosen} has the best mean {metric.phrase} of {plural(winner.contenders, 'confirmed setting')} over "
        f"{plural(len(winner.seeds), 'fresh seed')}. Test figures selected nothing."
    )


def tuning_note(records: StudyRecords, winner: Winner, baseline: Arm) -> str:
    """Whether the CE baseline was tuned, and what the search varied that could have helped it."""
    searched = records.study.space.order
    tried = num_ce_settings(records)
    if tried:
        return (
            f"CE was tuned in part: {plural(tried, 'setting')} of the search used it, and the baseline confirmed here "
            f"runs with the training values of {winner.label}."
        )
    shared = [
        path for path in searched if path in active_fields(setting_of(baseline.config)) and path != "distill.method"
    ]
    if not shared:
        return "CE was not tuned: the search varied fields of AI-KD alone, and both sides share every other value."
    changed = [path for path in changed_fields(baseline, winner) if path in shared]
    source = "values of another setting" if changed else f"the values of {winner.label}"
    verb = "were" if len(shared) > 1 else "was"
    return f"CE was not tuned: {', '.join(shared)} {verb} searched for AI-KD, and CE ran with {source}."


def looks_note(records: StudyRecords, arm: Arm | None) -> str:
    """How often the test set was opened, and what a later look is worth."""
    looks = num_test_looks(records)
    if looks == 0:
        return "No opening of the test set is recorded, although there are test figures: their look is not known."
    if looks == 1:
        return "The test set was opened once."
    which = f" The figures above come from look {arm.test_look}." if arm is not None and arm.test_look else ""
    return (
        f"The test set was opened {looks} times.{which} After the first look test figures were known when choices were "
        "made, so a later look is weaker evidence."
    )


def num_ce_settings(records: StudyRecords) -> int:
    """How many settings of the search were plain CE; 0 where the method was not searched."""
    return int((records.search["method"] == "ce").sum()) if "distill.method" in records.study.space.domains else 0


def num_images(records: StudyRecords, arm: Arm, split: str = "test") -> int | None:
    """How many images the bins of the arm's first trial count; None before they are written."""
    bins = records.bins[(records.bins["split"] == split) & records.bins["trial_key"].isin(arm.trials["trial_key"])]
    if bins.empty:
        return None
    first = bins[(bins["trial_key"] == bins["trial_key"].iloc[0]) & (bins["num_bins"] == bins["num_bins"].iloc[0])]
    return int(first["num_images"].sum())
