"""Made-up rows of the tables ``epochs`` and ``bins``, and made-up metrics."""

import math
from typing import Any

import numpy as np

SIMPLE = {
    "error": lambda error: error,
    "top5_error": lambda error: error / 10,
    "macro_f1": lambda error: 100 - error,
    "nll": lambda error: error / 25,
    "ece10": lambda error: error / 2,
    "ece15": lambda error: error / 2.2,
    "aurc": lambda error: error * 2,
    "eaurc": lambda error: error,
    "brier": lambda error: error / 60,
    "ece15_scaled": lambda error: error / 4,
    "nll_scaled": lambda error: error / 30,
}
"""Every metric as a simple function of the error (%)."""


def metrics(split: str, error: float) -> dict[str, float]:
    """All metrics of a split that has this error (%)."""
    return {f"{split}_{name}": function(error) for name, function in SIMPLE.items()}


def epoch_rows(
    study: str, key: str, trial: int | None, seed: int, epochs: int, last: float | None
) -> list[dict[str, Any]]:
    """A run's epochs (a teacher's without ``trial``): its validation error falls to ``last`` (None: no metrics)."""
    rows = []
    for epoch in range(1, epochs + 1):
        value = None if last is None else last + 60 * (math.exp(-epoch / 4) - math.exp(-epochs / 4))
        rows.append(
            {
                "study": study,
                "run_key": key,
                "trial": trial,
                "phase": "teacher" if trial is None else "student",
                "seed": seed,
                "epoch": epoch,
                "lr": 0.05,
                "epoch_s": 0.02 if trial is None else 0.05,
                **({} if value is None else metrics("val", value)),
            }
        )
    return rows


def bin_rows(key: str, split: str, error: float) -> list[dict[str, Any]]:
    """Diagrams of 10 and 15 bins over 500 validation or 900 test images; accuracy falls short by ``error`` / 60."""
    images = 500 if split == "val" else 900
    rows = []
    for num_bins in (10, 15):
        weights = np.exp(np.linspace(0, 6, num_bins))
        counts = np.floor(images * weights / weights.sum()).astype(int)
        counts[-1] += images - counts.sum()
        for index, count in enumerate(counts):
            confidence = (index + 0.5) / num_bins
            rows.append(
                {
                    "trial_key": key,
                    "split": split,
                    "num_bins": num_bins,
                    "bin": index,
                    "lower": index / num_bins,
                    "upper": (index + 1) / num_bins,
                    "num_images": int(count),
                    "accuracy": max(0.0, confidence - error / 60) if count else None,
                    "confidence": confidence if count else None,
                }
            )
    return rows
