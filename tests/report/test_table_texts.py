from pathlib import Path

import pytest
from synthetic_study import Synthetic, by_seed

from aikd_tune.errors import StudyFolderError
from aikd_tune.report.table_texts import latex_tables, markdown_tables


def _path(root: Path) -> Path:
    study = Synthetic(root)
    study.search([5.0])
    study.confirm("setting 0", by_seed([5.0, 5.2]), by_seed([6.0, 6.6]), number=0, rank=1)
    study.confirm("ce", by_seed([5.5, 5.5]), by_seed([7.0, 7.2]))
    return study.save()


def test_markdown_has_the_answer_then_the_tables(tmp_path: Path) -> None:
    lines = markdown_tables([_path(tmp_path)]).splitlines()
    assert lines[0] == "## digits"
    assert lines[2].startswith(
        "So far, no difference shown between tuned AI-KD and the CE baseline on test: error 6.30 %"
    )
    assert "- The test set was opened once." in lines
    captions = [line for line in lines if line.startswith("**")]
    assert captions == [
        "**Confirmation: mean ± half of the 95 % interval over training seeds**",
        "**Difference to the CE baseline: mean (95 % interval), paired by seed**",
        "**Searched fields of setting 0**",
        "**Trials by state**",
    ]
    assert "| CE baseline | 2 | 5.50 | 7.10 ± 1.27 |" in "\n".join(lines)


def test_latex_has_a_table_each(tmp_path: Path) -> None:
    text = latex_tables([_path(tmp_path)])
    assert text.startswith("% digits: So far, ")
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == text.count(r"\bottomrule") == 4
    assert r"\caption{Confirmation: mean $\pm$ half of the 95 \% interval over training seeds}" in text
    assert r"CE baseline & 2 & 5.50 & 7.10 $\pm$ 1.27" in text


def test_a_study_without_results_has_its_counts(tmp_path: Path) -> None:
    text = markdown_tables([Synthetic(tmp_path).save()])
    assert "No answer yet: no trial has been started." in text
    assert "| search | 0 | 0 | 0 | 0 | 0 | 0 |" in text


def test_a_folder_that_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(StudyFolderError):
        latex_tables([tmp_path])
