from pathlib import Path

import pytest
from synthetic_study import STUDY, Synthetic, by_seed

from aikd_tune.report.selection import Winner, ranked, select_winner


def _winner(study: Synthetic) -> Winner:
    winner = select_winner(study.records())
    assert winner is not None
    return winner


def test_search_is_ranked_by_metric_then_tie_break_then_number(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([6.0, 5.0, 5.0, 5.0, 4.0, None], ["complete"] * 4 + ["pruned", "diverged"])
    for number, nll in ((1, 0.30), (2, 0.20), (3, 0.20)):
        study.trials[number]["val_nll"] = nll
    records = study.records()
    assert ranked(records.search, records.study.search)["setting"].tolist() == [2, 3, 1, 0]


def test_more_is_better_where_the_metric_is_maximised(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, STUDY.replace("search: {", "search: {metric: val_macro_f1, "))
    study.search([6.0, 5.0, 7.0])  # F1 is 100 minus the error here
    records = study.records()
    assert ranked(records.search, records.study.search)["setting"].tolist() == [1, 0, 2]


def test_a_complete_trial_without_a_finite_metric_is_not_ranked(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([float("inf"), 6.0, float("nan")])
    assert _winner(study).number == 1


def test_validation_decides_in_the_confirmation_and_test_does_not(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([4.0, 5.0])
    study.confirm("setting 0", by_seed([6.0, 6.2]), by_seed([3.0, 3.1]), number=0, rank=1)
    study.confirm("setting 1", by_seed([5.0, 5.1]), by_seed([9.0, 9.1]), number=1, rank=2)
    winner = _winner(study)
    assert (winner.number, winner.contenders, winner.seeds) == (1, 2, (1, 2))
    assert winner.arm is not None
    assert winner.arm.label == "setting 1"


def test_equal_means_go_to_the_tie_break(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([4.0, 5.0])
    # 0.1 + 0.2 and 0.3 + 0.0 differ in the last bit.
    study.confirm("setting 0", by_seed([0.1, 0.2]), by_seed([6.0, 6.0]), number=0, rank=1)
    study.confirm("setting 1", by_seed([0.3, 0.0]), by_seed([6.0, 6.0]), number=1, rank=2)
    for row in study.trials:
        if row["arm"] == "setting 1":
            row["val_nll"] = 1.0
    assert _winner(study).number == 0


def test_with_validation_trained_on_the_best_of_the_search_stays(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, STUDY.replace("confirm: {", "confirm: {train_on: train+val, "))
    study.search([4.0, 5.0])
    study.confirm("setting 0", by_seed([6.0, 6.2]), by_seed([3.0, 3.1]), number=0, rank=1)
    study.confirm("setting 1", by_seed([0.0, 0.1]), by_seed([9.0, 9.1]), number=1, rank=2)
    winner = _winner(study)
    assert (winner.number, winner.seeds) == (0, ())
    assert winner.arm is not None


def test_a_setting_of_which_a_seed_diverged_does_not_win(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([4.0, 5.0])
    study.confirm("setting 0", by_seed([1.0, 1.0]), {1: 3.0, 2: 3.0, 3: None}, number=0, rank=1, states={3: "diverged"})
    study.confirm("setting 1", by_seed([5.0, 5.1, 5.2]), by_seed([6.0, 6.1, 6.2]), number=1, rank=2)
    winner = _winner(study)
    assert (winner.number, winner.set_aside) == (1, ("setting 0",))


def test_where_every_setting_broke_the_complete_seeds_decide(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([4.0, 5.0])
    study.confirm("setting 0", {1: 6.0}, {1: 6.0, 2: None}, number=0, rank=1, states={2: "failed"})
    study.confirm("setting 1", {1: 5.0}, {1: 6.0, 2: None}, number=1, rank=2, states={2: "diverged"})
    assert _winner(study).number == 1


def test_an_unfinished_confirmation_compares_seeds_that_all_have(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([4.0, 5.0])
    # Over its own two seeds setting 0 looks better (3.5); over seed 1, which both have, it is worse.
    study.confirm("setting 0", {1: 6.0, 2: 1.0}, by_seed([6.0, 6.0]), number=0, rank=1)
    study.confirm("setting 1", {1: 5.0}, {1: 6.0, 2: None}, number=1, rank=2, states={2: "running"})
    winner = _winner(study)
    assert (winner.number, winner.seeds) == (1, (1,))


def test_without_a_confirmation_the_search_decides(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([6.0, 4.0])
    winner = _winner(study)
    assert (winner.number, winner.arm, winner.seeds) == (1, None, ())


@pytest.mark.parametrize("states", [[], ["running"], ["failed"], ["diverged", "pruned"]])
def test_no_winner_without_a_complete_trial(tmp_path: Path, states: list[str]) -> None:
    study = Synthetic(tmp_path)
    study.search([8.0 if state == "pruned" else None for state in states], states)
    assert select_winner(study.records()) is None
