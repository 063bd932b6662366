"""Every metric against scikit-learn, SciPy and loops on random, tied, saturated and one-sided inputs."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax, rel_entr, softmax
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, log_loss, top_k_accuracy_score

from aikd_tune.kd import metrics
from aikd_tune.kd.metrics import evaluate, reliability_bins, scaled, teacher_kl

Array = NDArray[Any]
NUM_IMAGES = 60


def case(name: str) -> tuple[Array, Array]:
    """Float32 logits (n, C) and labels (n,)."""
    draws = np.random.default_rng(3)
    num_classes = {"two classes": 2, "five classes": 5}.get(name, 8)
    logits = 2 * draws.normal(size=(NUM_IMAGES, num_classes))
    labels = draws.integers(num_classes, size=NUM_IMAGES)
    if name in ("tied", "constant"):
        logits = np.round(logits / 3) if name == "tied" else np.zeros_like(logits)
    if name == "nearly saturated":
        logits = 12 * logits
    if name == "saturated":
        logits = 1e4 * logits
    if name == "labels of one class":
        labels = np.full(NUM_IMAGES, 3)
    if name == "predictions of one class":
        logits[:, 2] += 100
    if name == "all right":
        labels = logits.argmax(axis=1)
    if name == "all wrong":
        labels = logits.argmin(axis=1)
    if name == "one image":
        logits, labels = logits[:1], labels[:1]
    return logits.astype(np.float32), labels


CASES = [
    "random",
    "two classes",
    "five classes",
    "tied",
    "constant",
    "nearly saturated",
    "saturated",
    "labels of one class",
    "predictions of one class",
    "all right",
    "all wrong",
    "one image",
]
every_case = pytest.mark.parametrize("name", CASES)


def wide(logits: Array) -> Array:
    return logits.astype(np.float64)


@every_case
def test_error_f1_and_brier_are_scikit_learn_s(name: str) -> None:
    logits, labels = case(name)
    found, predictions = evaluate(logits, labels), logits.argmax(axis=1)
    classes = np.arange(logits.shape[1])
    assert found["error"] == pytest.approx(100 * (1 - accuracy_score(labels, predictions)))
    assert found["macro_f1"] == pytest.approx(100 * f1_score(labels, predictions, average="macro", zero_division=0))
    p = softmax(wide(logits), axis=1)
    brier = brier_score_loss(labels, p if len(classes) > 2 else p[:, 1], labels=classes, scale_by_half=False)
    assert found["brier"] == pytest.approx(brier, rel=1e-9, abs=1e-12)


@every_case
def test_nll_is_scikit_learn_s_or_scipy_s_where_that_one_clips(name: str) -> None:
    logits, labels = case(name)
    found = evaluate(logits, labels)["nll"]
    log_p = log_softmax(wide(logits), axis=1)
    assert found == pytest.approx(-log_p[np.arange(len(labels)), labels].mean(), rel=1e-9, abs=1e-12)
    p = np.exp(log_p)
    if p[np.arange(len(labels)), labels].min() > 1e-12:
        assert found == pytest.approx(log_loss(labels, p, labels=np.arange(logits.shape[1])), rel=1e-9, abs=1e-9)


@every_case
def test_top5_error_by_ranks_and_by_scikit_learn_without_ties(name: str) -> None:
    logits, labels = case(name)
    found, num_classes = evaluate(logits, labels)["top5_error"], logits.shape[1]
    if num_classes <= 5:
        assert found is None
        return
    misses = 0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        best = sorted(range(num_classes), key=lambda k: (-row[k], k))[:5]
        misses += label not in best
    assert found == pytest.approx(100 * misses / len(labels))
    if name not in ("tied", "constant"):
        hits = top_k_accuracy_score(labels, logits, k=5, labels=np.arange(num_classes))
        assert found == pytest.approx(100 * (1 - hits))


def calibration_error_by_loops(confidence: Array, correct: Array, num_bins: int) -> float:
    """Bins (lower, upper] told apart as fractions."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for value, hit in zip(confidence.tolist(), correct.tolist(), strict=True):
        index = next(b for b in range(num_bins) if value <= float(Fraction(b + 1, num_bins)))
        bins.setdefault(index, []).append((value, hit))
    gaps = [len(rows) * abs(np.mean([h for _, h in rows]) - np.mean([v for v, _ in rows])) for rows in bins.values()]
    return 100 * float(sum(gaps)) / len(confidence)


@every_case
@pytest.mark.parametrize("num_bins", [10, 15])
def test_calibration_error_by_loops_and_from_its_bins(name: str, num_bins: int) -> None:
    logits, labels = case(name)
    correct = logits.argmax(axis=1) == labels
    confidence = np.exp(log_softmax(wide(logits), axis=1).max(axis=1))
    expected = calibration_error_by_loops(confidence, correct, num_bins)
    assert evaluate(logits, labels)[f"ece{num_bins}"] == pytest.approx(expected, abs=1e-9)
    rows: Any = [row for row in reliability_bins(logits, labels, num_bins) if row["num_images"]]
    assert sum(row["num_images"] for row in rows) == len(labels)
    total = sum(row["num_images"] * abs(row["accuracy"] - row["confidence"]) for row in rows)
    assert 100 * total / len(labels) == pytest.approx(expected, abs=1e-9)


def risk_by_loops(confidence: Array, correct: Array) -> float:
    """Mean over coverages; within a group of ties every image has the group's error rate."""
    groups: dict[float, list[bool]] = {}
    for value, hit in zip(confidence.tolist(), correct.tolist(), strict=True):
        groups.setdefault(value, []).append(hit)
    errors, seen, risks = 0.0, 0, []
    for value in sorted(groups, reverse=True):
        hits = groups[value]
        for _ in hits:
            seen += 1
            errors += hits.count(False) / len(hits)
            risks.append(errors / seen)
    return float(np.mean(risks))


@every_case
def test_area_and_its_excess_by_loops(name: str) -> None:
    logits, labels = case(name)
    correct = logits.argmax(axis=1) == labels
    # the greatest log-softmax, summed in the order of the classes as the metrics sum it: ties must be the same ties
    shifted = wide(logits) - wide(logits).max(axis=1, keepdims=True)
    area = risk_by_loops(-np.log(np.exp(shifted).sum(axis=1)), correct)
    n, m = len(labels), int((~correct).sum())
    least = sum(k / (n - m + k) for k in range(1, m + 1)) / n
    found = evaluate(logits, labels)
    assert found["aurc"] == pytest.approx(1000 * area, rel=1e-9, abs=1e-9)
    assert found["eaurc"] == pytest.approx(1000 * (area - least), rel=1e-9, abs=1e-9)


@every_case
def test_scaled_metrics_are_those_of_a_softmax_at_the_temperature(name: str) -> None:
    logits, labels = case(name)
    found = scaled(logits, labels, 3.0)
    log_p = log_softmax(wide(logits) / 3.0, axis=1)
    assert found["nll_scaled"] == pytest.approx(-log_p[np.arange(len(labels)), labels].mean(), rel=1e-9, abs=1e-12)
    expected = calibration_error_by_loops(np.exp(log_p.max(axis=1)), logits.argmax(axis=1) == labels, 15)
    assert found["ece15_scaled"] == pytest.approx(expected, abs=1e-9)


def test_one_softmax_is_enough_for_all_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    plain = metrics._softmax
    monkeypatch.setattr(metrics, "_softmax", lambda logits: calls.append(logits.shape) or plain(logits))
    evaluate(*case("random"))
    assert calls == [(NUM_IMAGES, 8)]


@every_case
def test_teacher_kl_is_scipy_s_and_torch_s(name: str) -> None:
    logits, _ = case(name)
    teacher = np.roll(logits, 1, axis=1)
    log_p, log_q = (log_softmax(wide(z), axis=1) for z in (teacher, logits))
    found = teacher_kl(teacher, logits)
    expected = torch.nn.functional.kl_div(
        torch.from_numpy(log_q), torch.from_numpy(log_p), reduction="batchmean", log_target=True
    )
    assert found == pytest.approx(expected.item(), rel=1e-9, abs=1e-12)
    if name != "saturated":  # where SciPy divides by 0
        assert found == pytest.approx(rel_entr(np.exp(log_p), np.exp(log_q)).sum(axis=1).mean(), rel=1e-9, abs=1e-12)


def test_teacher_kl_by_hand_and_its_direction() -> None:
    teacher, student = np.log([[0.75, 0.25]]), np.log([[0.5, 0.5]])
    assert teacher_kl(teacher, student) == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5))
    assert teacher_kl(student, teacher) == pytest.approx(0.5 * np.log(2 / 3) + 0.5 * np.log(2))
    both = np.concatenate([teacher, student])
    assert teacher_kl(both, both[::-1]) == pytest.approx(
        (teacher_kl(teacher, student) + teacher_kl(student, teacher)) / 2
    )


@given(st.integers(0, 500), st.floats(-2, 3), st.floats(-50, 50))
@settings(max_examples=30, deadline=None)
def test_teacher_kl_is_never_negative_and_ignores_offsets(seed: int, log10_scale: float, offset: float) -> None:
    draws = np.random.default_rng(seed)
    teacher, student = (10**log10_scale * draws.normal(size=(2, 5, 4))).astype(np.float32)
    value = teacher_kl(teacher, student)
    assert value >= -1e-12
    assert teacher_kl(wide(teacher) + offset, student) == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert teacher_kl(student, student) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_teacher_kl_of_logits_that_are_not_finite_is_nan(value: float) -> None:
    logits, _ = case("random")
    broken = logits.copy()
    broken[5, 1] = value
    assert np.isnan(teacher_kl(broken, logits))
    assert np.isnan(teacher_kl(logits, broken))
