"""Metrics of logits, in float64 NumPy; logits that are not finite give nan, never an exception.

Inputs are float32 logits (n, C), n >= 1, and int64 labels (n,). float64 matters: in float32, confidences near 1
coincide, and AURC would hang on chance. Errors, F1, ECE and agreement are in percent, AURC and E-AURC times 1000, NLL
in nats, Brier from 0 to 2.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aikd_tune.kd.risk_coverage import area_under_risk_coverage, least_area

Floats = NDArray[np.float64]
Logits = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]
Metrics = dict[str, float | None]

LEAST_TEMPERATURE, GREATEST_TEMPERATURE = 1e-2, 1e2
_NAMES = ("error", "top5_error", "macro_f1", "nll", "ece10", "ece15", "aurc", "eaurc", "brier")
_NEWTON_STEPS = 60
_RELATIVE_TOLERANCE = 1e-9


def evaluate(logits: Logits, labels: Labels) -> Metrics:
    """All metrics of one evaluation; ``top5_error`` is None for up to 5 classes. Equal logits rank by class number."""
    num_images, num_classes = logits.shape
    if not np.isfinite(logits).all():
        return {name: None if name == "top5_error" and num_classes <= 5 else np.nan for name in _NAMES}
    predictions = logits.argmax(axis=1)
    correct = predictions == labels
    num_errors = num_images - int(np.count_nonzero(correct))
    softmax = _softmax(logits)
    confidence = 1.0 / softmax.sums
    aurc = area_under_risk_coverage(-np.log(softmax.sums), correct)
    deviations = softmax.exponentials / softmax.sums[:, None]
    deviations[np.arange(num_images), labels] -= 1.0
    return {
        "error": 100.0 * num_errors / num_images,
        "top5_error": _top5_error(logits, labels) if num_classes > 5 else None,
        "macro_f1": _macro_f1(predictions, labels, num_classes),
        "nll": _nll(softmax, labels),
        "ece10": _calibration_error(confidence, correct, 10),
        "ece15": _calibration_error(confidence, correct, 15),
        "aurc": 1000.0 * aurc,
        "eaurc": 1000.0 * (aurc - least_area(num_images, num_errors)),
        "brier": float(np.square(deviations).sum()) / num_images,
    }


def agreement(a: Logits, b: Logits) -> float:
    """Percent of the images for which two networks predict the same class; logits (n, C) of the same images."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.nan
    return 100.0 * int(np.count_nonzero(a.argmax(axis=1) == b.argmax(axis=1))) / len(a)


def teacher_kl(teacher_logits: Logits, logits: Logits) -> float:
    """Mean over images of KL(teacher || student) at temperature 1, in nats; logits (n, C) of the same images."""
    if not (np.isfinite(teacher_logits).all() and np.isfinite(logits).all()):
        return np.nan
    teacher, student = _softmax(teacher_logits), _softmax(logits)
    log_ratios = teacher.shifted - student.shifted + np.log(student.sums / teacher.sums)[:, None]
    return float(((teacher.exponentials * log_ratios).sum(axis=1) / teacher.sums).mean())


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """The temperature t in 0.01..100 that minimises the NLL of ``logits`` / t.

    The NLL is convex in 1/t, so Newton's method finds it, halving the interval where a step would leave it. Where every
    image is right the NLL falls all the way to the least temperature; where the logits are worse than chance, to the
    greatest.
    """
    if not np.isfinite(logits).all():
        return np.nan
    z = logits.astype(np.float64)
    z_label = z[np.arange(len(z)), labels].mean()

    def slope_and_curvature(inverse: float) -> tuple[float, float]:
        exponentials, sums = _softmax(z * inverse)[1:]
        mean = (exponentials * z).sum(axis=1) / sums
        square = (exponentials * z**2).sum(axis=1) / sums
        return float(mean.mean() - z_label), float((square - mean**2).mean())

    low, high = 1.0 / GREATEST_TEMPERATURE, 1.0 / LEAST_TEMPERATURE
    if slope_and_curvature(low)[0] >= 0.0:
        return GREATEST_TEMPERATURE
    if slope_and_curvature(high)[0] <= 0.0:
        return LEAST_TEMPERATURE
    inverse = 1.0
    for _ in range(_NEWTON_STEPS):
        slope, curvature = slope_and_curvature(inverse)
        low, high = (inverse, high) if slope < 0.0 else (low, inverse)
        new = inverse - slope / curvature if curvature > 0.0 else low
        new = new if low < new < high else np.sqrt(low * high)
        if abs(new - inverse) <= _RELATIVE_TOLERANCE * inverse:
            break
        inverse = new
    return float(1.0 / inverse)


def scaled(logits: Logits, labels: Labels, temperature: float) -> Metrics:
    """``ece15_scaled`` and ``nll_scaled``: of ``logits`` / t, with the t fitted on validation images."""
    if not (np.isfinite(logits).all() and np.isfinite(temperature)):
        return {"ece15_scaled": np.nan, "nll_scaled": np.nan}
    softmax = _softmax(logits.astype(np.float64) / temperature)
    correct = logits.argmax(axis=1) == labels
    return {
        "ece15_scaled": _calibration_error(1.0 / softmax.sums, correct, 15),
        "nll_scaled": _nll(softmax, labels),
    }


def reliability_bins(logits: Logits, labels: Labels, num_bins: int) -> list[dict[str, float | int | None]]:
    """The reliability diagram: a row for every bin (lower, upper] of confidence, all as shares of 1.

    ``accuracy`` and ``confidence`` are the bin's means, None where it is empty. No rows for logits that are not finite.
    """
    if not np.isfinite(logits).all():
        return []
    confidence = 1.0 / _softmax(logits).sums
    correct = (logits.argmax(axis=1) == labels).astype(np.float64)
    index = _bin_of(confidence, num_bins)
    counts = np.bincount(index, minlength=num_bins)
    hits = np.bincount(index, weights=correct, minlength=num_bins)
    sums = np.bincount(index, weights=confidence, minlength=num_bins)
    return [
        {
            "num_bins": num_bins,
            "bin": index,
            "lower": index / num_bins,
            "upper": (index + 1) / num_bins,
            "num_images": int(count),
            "accuracy": float(hit / count) if count else None,
            "confidence": float(total / count) if count else None,
        }
        for index, (count, hit, total) in enumerate(zip(counts, hits, sums, strict=True))
    ]


class _Softmax(NamedTuple):
    """exp(z - max z) (n, C) and its sums (n,): confidence is 1 / sums, max log-softmax is -log(sums)."""

    shifted: Floats
    exponentials: Floats
    sums: Floats


def _softmax(logits: Logits) -> _Softmax:
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return _Softmax(shifted, exponentials, exponentials.sum(axis=1))


def _nll(softmax: _Softmax, labels: Labels) -> float:
    return float((np.log(softmax.sums) - softmax.shifted[np.arange(len(labels)), labels]).mean())


def _top5_error(logits: Logits, labels: Labels) -> float:
    of_label = logits[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    ranks = ((logits > of_label) | ((logits == of_label) & earlier)).sum(axis=1)
    return 100.0 * int(np.count_nonzero(ranks >= 5)) / len(labels)


def _macro_f1(predictions: Labels, labels: Labels, num_classes: int) -> float:
    """Mean over the classes that occur as label or prediction; a class that occurs as neither has no F1."""
    hits = np.bincount(labels[predictions == labels], minlength=num_classes)
    occurrences = np.bincount(labels, minlength=num_classes) + np.bincount(predictions, minlength=num_classes)
    occur = occurrences > 0
    return 100.0 * float((2.0 * hits[occur] / occurrences[occur]).mean())


def _calibration_error(confidence: Floats, correct: NDArray[np.bool_], num_bins: int) -> float:
    """ECE in percent: the sum over bins of their share times |accuracy - mean confidence|."""
    sums = np.bincount(_bin_of(confidence, num_bins), weights=correct - confidence, minlength=num_bins)
    return 100.0 * float(np.abs(sums).sum()) / len(confidence)


def _bin_of(confidence: Floats, num_bins: int) -> NDArray[np.intp]:
    """The bin (lower, upper] of equal width, from 0, of every confidence in (0, 1]."""
    edges = np.arange(num_bins + 1) / num_bins
    return np.searchsorted(edges, confidence, side="left") - 1
