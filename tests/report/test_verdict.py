from pathlib import Path

import pytest
from synthetic_study import STUDY, Synthetic, by_seed

from aikd_tune.report.verdict import Verdict, decide

CE = [7.0, 6.5, 6.0, 6.5, 7.0]
CLEAR = [1.0, 0.5, 0.6, 0.9, 0.7]  # t interval of the mean: 0.4828 to 0.9972 (scipy.stats.ttest_1samp)
UNCLEAR = [1.0, -0.5, 0.6, -0.9, 0.7]
ONE_SETTING = STUDY.replace("settings: 3, replicates: 10", "settings: 1, replicates: 5, baselines: [ce]")


def _study(root: Path, gains: list[float], text: str = ONE_SETTING, look: int = 1) -> Synthetic:
    """A search of one setting, confirmed over five seeds: its test error is CE's less ``gains``."""
    study = Synthetic(root, text)
    study.search([5.0])
    ours = [error - gain for error, gain in zip(CE, gains, strict=True)]
    study.confirm("setting 0", by_seed([5.0] * 5), by_seed(ours), number=0, rank=1, look=look)
    study.confirm("ce", by_seed([5.5] * 5), by_seed(CE), look=look)
    return study


def _verdict(study: Synthetic, looks: int | None = None) -> Verdict:
    return decide(study.records(looks))


def test_better_only_if_the_interval_is_below_zero(tmp_path: Path) -> None:
    verdict = _verdict(_study(tmp_path, CLEAR))
    assert verdict.outcome == "better"
    assert verdict.sentence == (
        "Tuned AI-KD is better than the CE baseline on test: error 5.86 % against 6.60 %, a difference of −0.74 points "
        "of error (95 % interval −1.00 to −0.48, n = 5 paired seeds)."
    )
    assert verdict.notes == (
        "Setting 0 has the best mean validation error of 1 confirmed setting over 5 fresh seeds. Test figures selected "
        "nothing.",
        "CE was not tuned: the search varied fields of AI-KD alone, and both sides share every other value.",
        "The test set was opened once.",
        "The interval covers training seeds on one fixed split of 900 test images; it says nothing of other images.",
    )


def test_worse_only_if_the_interval_is_above_zero(tmp_path: Path) -> None:
    verdict = _verdict(_study(tmp_path, [-gain for gain in CLEAR]))
    assert verdict.outcome == "worse"
    assert verdict.sentence == (
        "Tuned AI-KD is worse than the CE baseline on test: error 7.34 % against 6.60 %, a difference of +0.74 points "
        "of error (95 % interval +0.48 to +1.00, n = 5 paired seeds)."
    )


def test_else_no_difference_is_shown(tmp_path: Path) -> None:
    verdict = _verdict(_study(tmp_path, UNCLEAR))
    assert verdict.outcome == "no difference shown"
    assert verdict.sentence == (
        "No difference shown between tuned AI-KD and the CE baseline on test: error 6.42 % against 6.60 %, a "
        "difference of −0.18 points of error (95 % interval −1.21 to +0.85, n = 5 paired seeds)."
    )


def test_the_tuned_metric_is_the_one_compared_and_its_direction_counts(tmp_path: Path) -> None:
    text = ONE_SETTING.replace("search: {", "search: {metric: val_macro_f1, ")
    verdict = _verdict(_study(tmp_path, CLEAR, text))
    assert verdict.sentence == (
        "Tuned AI-KD is better than the CE baseline on test: macro F1 94.14 % against 93.40 %, a difference of +0.74 "
        "points of macro F1 (95 % interval +0.48 to +1.00, n = 5 paired seeds)."
    )


def test_a_later_look_at_the_test_set_says_so(tmp_path: Path) -> None:
    notes = _verdict(_study(tmp_path, CLEAR, look=2)).notes
    assert (
        "The test set was opened 2 times. The figures above come from look 2. After the first look test figures were "
        "known when choices were made, so a later look is weaker evidence."
    ) in notes


def test_a_lost_ledger_does_not_lose_a_look(tmp_path: Path) -> None:
    notes = _verdict(_study(tmp_path, CLEAR, look=3), looks=0).notes
    assert any(note.startswith("The test set was opened 3 times.") for note in notes)


def test_test_figures_without_a_recorded_look_say_so(tmp_path: Path) -> None:
    study = _study(tmp_path, CLEAR)
    for row in study.trials:
        row["test_look"] = None
    assert (
        "No opening of the test set is recorded, although there are test figures: their look is not known."
        in _verdict(study, looks=0).notes
    )


def test_one_seed_gives_no_interval(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, ONE_SETTING.replace("replicates: 5", "replicates: 1"))
    study.search([5.0])
    study.confirm("setting 0", {1: 5.0}, {1: 5.5}, number=0, rank=1)
    study.confirm("ce", {1: 5.5}, {1: 6.5})
    verdict = _verdict(study)
    assert verdict.outcome == "no difference shown"
    assert verdict.sentence == (
        "No difference shown between tuned AI-KD and the CE baseline on test: error 5.50 % against 6.50 %, but one "
        "paired seed gives no interval."
    )


def test_equal_differences_give_no_interval(tmp_path: Path) -> None:
    verdict = _verdict(_study(tmp_path, [0.2] * 5))
    assert verdict.outcome == "no difference shown"
    assert verdict.detail == "error 6.40 % against 6.60 %, and all 5 pairs differ by the same, which gives no interval"


def test_no_seed_in_common(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, ONE_SETTING.replace("replicates: 5", "replicates: 2"))
    study.search([5.0])
    study.confirm("setting 0", {1: 5.0}, {1: 5.5, 2: None}, number=0, rank=1, states={2: "failed"})
    study.confirm("ce", {2: 5.5}, {1: None, 2: 6.5}, states={1: "diverged"})
    verdict = _verdict(study)
    assert verdict.sentence == (
        "No difference shown between tuned AI-KD and the CE baseline on test: they have no complete seed in common."
    )
    assert "Seeds that diverged or failed are missing from the comparison: setting 0, seed 2; CE baseline, seed 1." in (
        verdict.notes
    )


def test_a_confirmation_under_way_is_so_far(tmp_path: Path) -> None:
    verdict = _verdict(_study(tmp_path, CLEAR, ONE_SETTING.replace("replicates: 5", "replicates: 6")))
    assert verdict.headline == "So far, tuned AI-KD is better than the CE baseline on test"
    assert verdict.notes[0] == ("The confirmation is not finished: setting, figures and interval may still change.")


def test_a_setting_left_out_is_named(tmp_path: Path) -> None:
    study = Synthetic(
        tmp_path, ONE_SETTING.replace("settings: 1", "settings: 2").replace("replicates: 5", "replicates: 2")
    )
    study.search([5.0, 4.0])
    study.confirm("setting 0", by_seed([5.0, 5.0]), by_seed([5.5, 5.6]), number=0, rank=1)
    study.confirm("setting 1", {1: 4.0}, {1: 4.0, 2: None}, number=1, rank=2, states={2: "diverged"})
    study.confirm("ce", by_seed([5.5, 5.5]), by_seed([6.5, 6.5]))
    assert "Not eligible, because a seed diverged or failed: setting 1." in _verdict(study).notes


def test_train_and_val_say_that_validation_selected_nothing(tmp_path: Path) -> None:
    text = ONE_SETTING.replace("confirm: {", "confirm: {train_on: train+val, ")
    assert _verdict(_study(tmp_path, CLEAR, text)).notes[0] == (
        "Setting 0 is the best of the search by validation error. The confirmation trained on the validation images "
        "too, so validation selected nothing there."
    )


def test_searched_training_fields_are_named_beside_an_untuned_baseline(tmp_path: Path) -> None:
    text = ONE_SETTING.replace("train: {epochs: 30}", "train: {epochs: 30, lr: {loguniform: [0.01, 0.2]}}")
    study = _study(tmp_path, CLEAR, text)
    assert "CE was not tuned: train.lr was searched for AI-KD, and CE ran with the values of setting 0." in (
        _verdict(study).notes
    )


def test_a_baseline_with_other_training_values_says_so(tmp_path: Path) -> None:
    text = ONE_SETTING.replace("train: {epochs: 30}", "train: {epochs: 30, lr: {loguniform: [0.01, 0.2]}}")
    study = Synthetic(tmp_path, text)
    study.search([5.0])
    study.confirm("setting 0", by_seed([5.0] * 5), by_seed(CE), number=0, rank=1)
    baseline = study.baseline("ce")
    other = baseline.model_copy(update={"train": baseline.train.model_copy(update={"lr": 0.11})})
    study.confirm("ce", by_seed([5.5] * 5), by_seed(CE), setting=other)
    assert "CE was not tuned: train.lr was searched for AI-KD, and CE ran with values of another setting." in (
        _verdict(study).notes
    )


def test_ce_settings_in_the_search_are_counted(tmp_path: Path) -> None:
    text = ONE_SETTING.replace("distill:", "distill:\n  method: {choice: [aikd, ce]}")
    study = _study(tmp_path, CLEAR, text)
    study.search([6.0, 6.1], setting=study.baseline("ce"))
    assert (
        "CE was tuned in part: 2 settings of the search used it, and the baseline confirmed here runs with the "
        "training values of setting 0."
    ) in _verdict(study).notes


def test_of_two_looks_the_baseline_with_the_winners_training_values_is_taken(tmp_path: Path) -> None:
    study = _study(tmp_path, CLEAR)
    baseline = study.baseline("ce")
    other = baseline.model_copy(update={"train": baseline.train.model_copy(update={"lr": 0.11})})
    study.confirm("ce", by_seed([5.5] * 5), by_seed([20.0] * 5), setting=other, look=2)
    verdict = _verdict(study)
    assert verdict.baseline is not None
    assert verdict.baseline.label == "CE baseline (look 1)"
    assert verdict.difference is not None
    assert verdict.difference.mean == pytest.approx(-0.74)


OPEN = "No answer yet"


def _nothing(study: Synthetic) -> None:
    """No trial at all."""


def _running(study: Synthetic) -> None:
    study.search([None, None], ["running", "failed"])


def _broken(study: Synthetic) -> None:
    study.search([None, None, None], ["diverged", "failed", "failed"])


def _searched(study: Synthetic) -> None:
    study.search([5.0])


def _all_off(study: Synthetic) -> None:
    distill = study.study.base.distill
    terms = ("teacher", "previous", "adversarial")
    off = {name: getattr(distill, name).model_copy(update={"weight": 0.0}) for name in terms}
    setting = study.study.base.model_copy(update={"distill": distill.model_copy(update=off)})
    study.search([5.0], setting=setting)
    study.confirm("setting 0", {1: 5.0}, {1: 6.0}, number=0, rank=1)


def _confirming(study: Synthetic) -> None:
    study.search([5.0])
    study.confirm("setting 0", {}, {1: None}, number=0, rank=1, states={1: "running"})


def _ce_missing(study: Synthetic) -> None:
    study.search([5.0])
    study.confirm("setting 0", {1: 5.0}, {1: 6.0}, number=0, rank=1)


def _ce_broken(study: Synthetic) -> None:
    _ce_missing(study)
    study.confirm("ce", {}, {1: None}, states={1: "diverged"})


def _all_broken(study: Synthetic) -> None:
    study.search([5.0])
    study.confirm("setting 0", {}, {1: None, 2: None}, number=0, rank=1, states={1: "diverged", 2: "failed"})


@pytest.mark.parametrize(
    ("fill", "headline", "detail"),
    [
        (_nothing, OPEN, "no trial has been started"),
        (_running, OPEN, "no trial is complete"),
        (_broken, "No answer", "no trial of the search was completed (1 diverged, 2 failed)"),
        (_searched, OPEN, "the confirmation has not begun, and the test set is closed until then"),
        (_all_off, "Nothing to compare", "the best setting, setting 0, has every term of AI-KD off"),
        (_confirming, OPEN, "no confirmation trial of setting 0 is complete"),
        (_ce_missing, OPEN, "no confirmation trial of the CE baseline is complete"),
        (_ce_broken, "No answer", "every confirmation trial of the CE baseline diverged or failed"),
        (_all_broken, "No answer", "every confirmation trial of setting 0 diverged or failed"),
    ],
)
def test_why_there_is_no_answer(tmp_path: Path, fill: object, headline: str, detail: str) -> None:
    study = Synthetic(tmp_path)
    assert callable(fill)
    fill(study)
    verdict = _verdict(study)
    assert (verdict.outcome, verdict.headline, verdict.detail) == ("open", headline, detail)


def test_a_study_that_confirms_nothing(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, STUDY.replace("settings: 3", "settings: 0"))
    study.search([5.0])
    assert _verdict(study).sentence == (
        "Not asked: this study confirms no setting (confirm.settings: 0), so its test set is closed."
    )


def test_a_confirmation_without_ce(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, STUDY.replace("replicates: 10", "replicates: 10, baselines: [label_smoothing]"))
    study.search([5.0])
    study.confirm("setting 0", {1: 5.0}, {1: 6.0}, number=0, rank=1)
    assert _verdict(study).sentence == "No answer: the CE baseline is not among confirm.baselines."
