"""Selective prediction: how well confidence ranks the errors."""

import numpy as np
from numpy.typing import NDArray


def area_under_risk_coverage(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Mean over k = 1..n of the error rate among the k most confident of n images; 0 to 1.

    Images of equal confidence each count with their group's error rate, so that the order of the rows does not matter.
    Any increasing function of the confidence will do.
    """
    order = np.argsort(-confidence)
    confidence, wrong = confidence[order], ~correct[order]
    first = np.flatnonzero(np.concatenate([[True], confidence[1:] != confidence[:-1]]))  # of every group
    counts = np.diff(first, append=len(order))
    rates = np.add.reduceat(wrong, first, dtype=np.float64) / counts
    errors = np.cumsum(np.repeat(rates, counts))
    return float((errors / np.arange(1, len(errors) + 1)).mean())


def least_area(num_images: int, num_errors: int) -> float:
    """The same area if every error were less confident than every hit: what no ranking can avoid."""
    k = np.arange(1, num_errors + 1)
    return float((k / (num_images - num_errors + k)).sum() / num_images)
