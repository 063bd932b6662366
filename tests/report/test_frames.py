from pathlib import Path

import pytest
from synthetic_study import Synthetic

from aikd_tune.errors import StudyFolderError, UserError
from aikd_tune.report.frames import read_study, setting_of


def test_searched_values_are_the_settings_and_missing_where_inactive(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0, 6.0, 7.0])
    values = study.records().searched_values.set_index("setting")
    for row in study.trials:
        setting = setting_of(row["config"])
        weight = setting.distill.adversarial.weight
        assert values.loc[row["setting"], "distill.adversarial.weight"] == weight
        hidden = values.loc[row["setting"], "distill.adversarial.hidden"]
        assert hidden == setting.distill.adversarial.hidden if weight > 0 else hidden != hidden


def test_curves_are_those_of_the_search_in_order(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0, 8.0], ["complete", "pruned"])
    study.confirm("ce", {1: 5.0}, {1: 6.0})
    curves = study.records().curves("val_error")
    assert curves["setting"].tolist() == [0] * 30 + [1] * 10
    assert curves["epoch"].tolist() == [*range(1, 31), *range(1, 11)]
    assert curves.groupby("setting")["value"].last().tolist() == pytest.approx([5.0, 8.0])
    assert curves["state"].tolist() == ["complete"] * 30 + ["pruned"] * 10


def test_a_missing_metric_is_no_point_of_a_curve(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([None], ["diverged"])
    assert study.records().curves("val_error").empty


def test_confirmed_settings_come_first(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0, 6.0])
    study.confirm("ce", {2: 5.0, 1: 5.0}, {2: 6.0, 1: 6.0})
    study.confirm("setting 1", {1: 5.0}, {1: 6.0}, number=1, rank=2)
    study.confirm("setting 0", {1: 5.0}, {1: 6.0}, number=0, rank=1)
    rows = study.records().confirmation
    assert rows["arm"].tolist() == ["setting 0", "setting 1", "ce", "ce"]
    assert rows["seed"].tolist() == [1, 1, 1, 2]


def test_a_folder_that_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(StudyFolderError, match=f"^{tmp_path}: not a study folder"):
        read_study(tmp_path)


def test_a_study_file_that_is_not_text(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    path = study.save()
    study.folder.study_file.write_bytes(b"\xff\xfe")
    with pytest.raises(StudyFolderError, match=r"study\.yaml: cannot be read"):
        read_study(path)


def test_a_truncated_table_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0])
    path = study.save()
    file = max((path / "trials").glob("*.parquet"), key=lambda file: file.stat().st_size)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(UserError) as caught:
        _ = read_study(path).trials
    assert file.name in str(caught.value)
    assert "\n" not in str(caught.value)
