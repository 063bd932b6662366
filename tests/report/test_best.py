from pathlib import Path

import pytest
from synthetic_study import Synthetic, by_seed

from aikd_tune.errors import StudyFolderError
from aikd_tune.report.best import best_text
from aikd_tune.spec import parse_study


def test_the_best_of_the_search_is_a_study_file_of_fixed_values(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([6.0, 5.0, 4.0], ["complete", "complete", "pruned"])
    text = best_text(study.save())
    assert text.splitlines()[0] == "# setting 1 of study digits: validation error 5.00 %, best of the search (one seed)"
    again = parse_study(text, "best.yaml")
    assert not again.space.domains
    assert again.base == study.setting_of(1)


def test_the_confirmed_winner_says_over_how_many_seeds(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([4.0, 5.0])
    study.confirm("setting 0", by_seed([6.0, 6.2, 6.4]), by_seed([6.0] * 3), number=0, rank=1)
    study.confirm("setting 1", by_seed([5.0, 5.2, 5.4]), by_seed([6.0] * 3), number=1, rank=2)
    assert best_text(study.save()).splitlines()[0] == (
        "# setting 1 of study digits: validation error 5.20 ± 0.50 %, best mean over 3 confirmation seeds"
    )


def test_no_complete_trial_is_one_clear_line(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([None], ["diverged"])
    path = study.save()
    with pytest.raises(StudyFolderError) as caught:
        best_text(path)
    assert str(caught.value) == f"{path}: no best setting: no trial of the search is complete"
