from pathlib import Path

import pytest
from synthetic_study import Synthetic, by_seed

from aikd_tune.report.result_tables import (
    confirmation_table,
    difference_table,
    domain_text,
    fixed_table,
    searched_table,
    value_text,
)
from aikd_tune.report.selection import select_winner
from aikd_tune.report.verdict import decide
from aikd_tune.spec import Choice, Domain, IntRange, LogUniform, Uniform


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (LogUniform(0.01, 10.0, or_=0.0), "log 0.01 to 10, or 0"),
        (Uniform(0.0, 0.5), "0 to 0.5"),
        (IntRange(1, 9, step=2), "1 to 9 in steps of 2"),
        (IntRange(1, 64, log=True), "log 1 to 64"),
        (Choice(("32", "256-64", True)), "32, 256-64, true"),
        (Uniform(0.0, 1.0, or_=None), "0 to 1, or default"),
    ],
)
def test_domains_in_words(domain: Domain, text: str) -> None:
    assert domain_text(domain) == text


def test_values_in_words() -> None:
    assert [value_text(value) for value in (None, True, False, 30, 0.000512345, 1e-5, "256-64")] == [
        "default",
        "true",
        "false",
        "30",
        "0.0005123",
        "1e-05",
        "256-64",
    ]


def test_the_winners_fields(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0])
    winner = select_winner(study.records())
    assert winner is not None
    assert searched_table(study.study, winner).rows == [
        ("distill.teacher.weight", "0.3", "log 0.01 to 10, or 0"),
        ("distill.previous.weight", "0.3", "log 0.01 to 3, or 0"),
        ("distill.temperature", "4", "log 1 to 10"),
        ("distill.adversarial.weight", "0.01", "log 0.001 to 0.3, or 0"),
        ("distill.adversarial.hidden", "256-64", "32, 128, 256-64"),
    ]
    fixed = dict(fixed_table(study.study.space, winner).rows)
    assert fixed["train.lr"] == "0.05"
    assert fixed["data.train"] == "300"
    assert "distill.temperature" not in fixed
    assert "data.path" not in fixed


def test_an_inactive_field_has_a_dash(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    base = study.study.base
    adversarial = base.distill.adversarial.model_copy(update={"weight": 0.0})
    off = base.model_copy(update={"distill": base.distill.model_copy(update={"adversarial": adversarial})})
    study.search([5.0], setting=off)
    winner = select_winner(study.records())
    assert winner is not None
    rows = {row[0]: row[1] for row in searched_table(study.study, winner).rows}
    assert rows["distill.adversarial.weight"] == "0"
    assert rows["distill.adversarial.hidden"] == "– (inactive)"


def test_confirmation_and_differences(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0])
    study.confirm("setting 0", by_seed([5.0, 5.2]), {1: 6.0, 2: 6.6, 3: None}, number=0, rank=1, states={3: "failed"})
    study.confirm("ce", by_seed([5.5, 5.5, 5.5]), by_seed([7.0, 7.2, 7.4]))
    verdict = decide(study.records())
    assert verdict.winner is not None
    assert verdict.baseline is not None
    table = confirmation_table(verdict.arms, verdict.winner.arm, val_is_fresh=True)
    assert list(table.headings[:4]) == ["arm", "n", "val error (%)", "test error (%)"]
    # t(0.975, 1 df) = 12.706 and t(0.975, 2 df) = 4.303, times sd / sqrt(n)
    assert list(table.rows[0][:4]) == ["setting 0", "2 of 3", "5.10 ± 1.27", "6.30 ± 3.81"]
    assert list(table.rows[1][:4]) == ["CE baseline", "3", "5.50", "7.20 ± 0.50"]
    assert table.strong_row == 0
    trained_on = confirmation_table(verdict.arms, verdict.winner.arm, val_is_fresh=False)
    assert list(trained_on.headings[:3]) == ["arm", "n", "test error (%)"]
    differences = difference_table(verdict.arms, verdict.baseline, verdict.winner.arm)
    assert len(differences.rows) == 1
    assert list(differences.rows[0][:3]) == ["setting 0", "2", "−0.80 (−3.34 to +1.74)"]
