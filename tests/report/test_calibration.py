from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, by_seed

from aikd_tune.report.calibration import pooled_bins, reliabilities
from aikd_tune.report.verdict import decide


def test_pooled_bins_are_those_of_all_images_together() -> None:
    rng = np.random.default_rng(0)
    edges = np.linspace(0, 1, 16)
    rows, confidences, rights = [], [], []
    for key in ("a", "b"):
        confidence = rng.beta(6, 2, 200) * 0.9 + 0.1
        right = rng.random(200) < confidence
        place = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, 14)
        for index in range(15):
            inside = place == index
            rows.append(
                {
                    "trial_key": key,
                    "split": "test",
                    "num_bins": 15,
                    "bin": index,
                    "lower": edges[index],
                    "upper": edges[index + 1],
                    "num_images": int(inside.sum()),
                    "accuracy": right[inside].mean() if inside.any() else np.nan,
                    "confidence": confidence[inside].mean() if inside.any() else np.nan,
                }
            )
        confidences.append(confidence)
        rights.append(right)
    other = [{**row, "trial_key": "c", "accuracy": 0.0} for row in rows]
    pooled = pooled_bins(pd.DataFrame(rows + other), ["a", "b"], "test")
    confidence, right = np.concatenate(confidences), np.concatenate(rights)
    place = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, 14)
    for index in range(15):
        inside = place == index
        assert pooled.loc[index, "num_images"] == inside.sum()
        if inside.any():
            assert pooled.loc[index, "accuracy"] == pytest.approx(right[inside].mean())
            assert pooled.loc[index, "confidence"] == pytest.approx(confidence[inside].mean())
        else:
            assert np.isnan(pooled.loc[index, "accuracy"])


def test_test_images_where_they_were_opened(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0, 6.0])
    study.confirm("setting 0", by_seed([5.0, 5.2]), by_seed([6.0, 6.6]), number=0, rank=1)
    study.confirm("ce", by_seed([5.5, 5.5]), by_seed([7.0, 7.2]))
    records = study.records()
    found = reliabilities(records, decide(records))
    assert [(one.label, one.split) for one in found] == [
        ("CE baseline", "test"),
        ("Teacher", "test"),
        ("AI-KD student", "test"),
    ]
    assert [one.ece.mean for one in found] == pytest.approx([7.1 / 2.2, 7.5 / 2.2, 6.3 / 2.2])
    assert [one.bins["num_images"].sum() for one in found] == [1800, 1800, 1800]


def test_a_trial_that_broke_has_no_part_in_the_mean(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0])
    study.confirm("setting 0", by_seed([5.0, 5.0]), {1: 6.0, 2: 6.6, 3: None}, number=0, rank=1, states={3: "diverged"})
    study.trials[-1]["test_ece15"] = 90.0
    study.confirm("ce", by_seed([5.5, 5.5]), by_seed([7.0, 7.2]))
    records = study.records()
    assert reliabilities(records, decide(records))[2].ece.n == 2


def test_validation_before_that_and_no_baseline_that_was_not_run(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0, 6.0])
    records = study.records()
    found = reliabilities(records, decide(records))
    assert [(one.label, one.split) for one in found] == [("Teacher", "val"), ("AI-KD student", "val")]
    assert found[1].ece.mean == pytest.approx(5.0 / 2.2)


def test_nothing_to_draw_without_a_complete_trial(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([None], ["failed"])
    records = study.records()
    assert reliabilities(records, decide(records)) == []
