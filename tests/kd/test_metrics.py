"""Metrics against loops in NumPy, scikit-learn and torchmetrics."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.metrics import f1_score, log_loss, top_k_accuracy_score
from torchmetrics.functional.classification import multiclass_calibration_error

from aikd_tune.kd.metrics import agreement, evaluate, fit_temperature, reliability_bins, scaled
from aikd_tune.kd.risk_coverage import area_under_risk_coverage, least_area

NAMES = {"error", "top5_error", "macro_f1", "nll", "ece10", "ece15", "aurc", "eaurc", "brier"}
Array = NDArray[Any]


def sample(seed: int, num_images: int = 200, num_classes: int = 10) -> tuple[Array, Array]:
    draws = np.random.default_rng(seed)
    logits = (3 * draws.normal(size=(num_images, num_classes))).astype(np.float32)
    labels = (logits + draws.normal(scale=4, size=logits.shape)).argmax(axis=1)
    return logits, labels


def probabilities(logits: Array) -> Array:
    e = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def of_confidences(confidences: list[float]) -> Array:
    """Two-class logits whose first class has these probabilities."""
    p = np.array(confidences)
    return np.stack([np.log(p), np.log1p(-p)], axis=1)


@pytest.mark.parametrize("num_classes", [3, 6, 10, 40])
def test_scikit_learn_agrees(num_classes: int) -> None:
    logits, labels = sample(num_classes, 150, num_classes)
    p = probabilities(logits)
    classes = np.arange(num_classes)
    metrics = evaluate(logits, labels)
    assert set(metrics) == NAMES
    assert metrics["error"] == pytest.approx(100 * (p.argmax(1) != labels).mean())
    assert metrics["macro_f1"] == pytest.approx(100 * f1_score(labels, p.argmax(1), average="macro"))
    assert metrics["nll"] == pytest.approx(log_loss(labels, p, labels=classes), rel=1e-9)
    one_hot = np.eye(num_classes)[labels]
    assert metrics["brier"] == pytest.approx(np.mean(((p - one_hot) ** 2).sum(axis=1)))
    if num_classes <= 5:
        assert metrics["top5_error"] is None
    else:
        hit = top_k_accuracy_score(labels, logits, k=5, labels=classes)
        assert metrics["top5_error"] == pytest.approx(100 * (1 - hit))


@pytest.mark.parametrize("seed", range(3))
def test_torchmetrics_agrees_away_from_edges(seed: int) -> None:
    logits, labels = sample(seed)
    metrics = evaluate(logits, labels)
    for name, num_bins in (("ece10", 10), ("ece15", 15)):
        expected = multiclass_calibration_error(
            torch.from_numpy(probabilities(logits)), torch.from_numpy(labels), 10, n_bins=num_bins, norm="l1"
        )
        assert metrics[name] == pytest.approx(100 * expected.item(), rel=1e-5)


def ece_by_loops(logits: Array, labels: Array, num_bins: int) -> float:
    confidence, prediction = probabilities(logits).max(axis=1), logits.argmax(axis=1)
    total = 0.0
    for index in range(num_bins):
        inside = (confidence > index / num_bins) & (confidence <= (index + 1) / num_bins)
        if inside.any():
            gap = (prediction[inside] == labels[inside]).mean() - confidence[inside].mean()
            total += inside.mean() * abs(gap)
    return 100 * total


@pytest.mark.parametrize("num_bins", [10, 15])
def test_calibration_error_and_bins_by_loops(num_bins: int) -> None:
    logits, labels = sample(4)
    expected = ece_by_loops(logits, labels, num_bins)
    assert evaluate(logits, labels)[f"ece{num_bins}"] == pytest.approx(expected)
    bins = reliability_bins(logits, labels, num_bins)
    assert [row["bin"] for row in bins] == list(range(num_bins))
    assert sum(row["num_images"] or 0 for row in bins) == 200
    from_bins = sum(
        row["num_images"] / 200 * abs(row["accuracy"] - row["confidence"]) for row in bins if row["num_images"]
    )
    assert 100 * from_bins == pytest.approx(expected)
    for row in bins:
        assert row["num_bins"] == num_bins
        assert (row["lower"], row["upper"]) == (row["bin"] / num_bins, (row["bin"] + 1) / num_bins)
        assert (row["accuracy"] is None) == (row["num_images"] == 0) == (row["confidence"] is None)


def test_bins_are_open_below_and_closed_above() -> None:
    equal = np.zeros((1, 2), dtype=np.float32)  # confidence 1/2 exactly
    assert [row["num_images"] for row in reliability_bins(equal, np.array([0]), 10)].index(1) == 4
    assert [row["num_images"] for row in reliability_bins(np.zeros((1, 5), np.float32), np.array([0]), 10)].index(
        1
    ) == 1
    saturated = np.array([[1e4, 0.0]], dtype=np.float32)  # confidence 1 exactly
    assert [row["num_images"] for row in reliability_bins(saturated, np.array([0]), 15)].index(1) == 14
    one = reliability_bins(of_confidences([0.72, 0.78, 0.74]), np.array([0, 1, 0]), 10)[7]
    assert one["num_images"] == 3
    assert one["accuracy"] == pytest.approx(2 / 3)
    assert one["confidence"] == pytest.approx((0.72 + 0.78 + 0.74) / 3)


def aurc_by_loops(confidence: Array, correct: Array) -> float:
    """Confidences without ties."""
    order = sorted(range(len(confidence)), key=lambda i: -confidence[i])
    risks = [np.mean([not correct[i] for i in order[:k]]) for k in range(1, len(order) + 1)]
    return float(np.mean(risks))


def test_area_by_loops_and_excess() -> None:
    logits, labels = sample(5)
    correct = logits.argmax(axis=1) == labels
    metrics = evaluate(logits, labels)
    expected = aurc_by_loops(probabilities(logits).max(axis=1), correct)
    assert metrics["aurc"] == pytest.approx(1000 * expected)
    best = aurc_by_loops(np.argsort(np.argsort(correct, kind="stable")), correct)  # every error after every hit
    assert least_area(200, int((~correct).sum())) == pytest.approx(best)
    assert metrics["eaurc"] == pytest.approx(1000 * (expected - best))


def test_least_area_of_no_errors_and_of_errors_alone() -> None:
    assert least_area(5, 0) == 0.0
    assert least_area(5, 5) == pytest.approx(1.0)


def test_ties_are_the_mean_over_all_orders() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.8, 0.4])
    correct = np.array([True, False, True, False, True])
    areas = []
    for middle in itertools.permutations([1, 2, 3]):
        wrong = ~correct[[0, *middle, 4]]
        areas.append(np.mean(np.cumsum(wrong) / np.arange(1, 6)))
    assert area_under_risk_coverage(confidence, correct) == pytest.approx(np.mean(areas))
    assert np.ptp(areas) > 0.1


def test_float64_tells_apart_what_float32_ties() -> None:
    logits = np.array([[20.0, 0.0], [21.0, 0.0], [22.0, 0.0]], dtype=np.float32)  # all of confidence 1 in float32
    first_wrong = evaluate(logits, np.array([1, 0, 0]))["aurc"]
    last_wrong = evaluate(logits, np.array([0, 0, 1]))["aurc"]
    assert first_wrong == pytest.approx(1000 * (0 + 0 + 1 / 3) / 3)
    assert last_wrong == pytest.approx(1000 * (1 + 1 / 2 + 1 / 3) / 3)


small = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.float32, (n, 4), elements=st.integers(-8, 8).map(lambda i: i / 2)),
        hnp.arrays(np.int64, n, elements=st.integers(0, 3)),
        st.permutations(range(n)),
    )
)


@given(small)
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_rows_does_not_matter_and_ranges_hold(drawn: tuple[Array, Array, list[int]]) -> None:
    logits, labels, order = drawn
    metrics, moved = evaluate(logits, labels), evaluate(logits[order], labels[order])
    for name, value in metrics.items():
        if value is None:
            continue
        assert moved[name] == pytest.approx(value, rel=1e-9, abs=1e-9)
        highest = {"aurc": 1000, "eaurc": 1000, "nll": np.inf, "brier": 2}.get(name, 100)
        assert -1e-9 <= value <= highest + 1e-9


def test_top5_ranks_equal_logits_by_class_number() -> None:
    logits = np.zeros((2, 6), dtype=np.float32)
    assert evaluate(logits, np.array([4, 5]))["top5_error"] == 50.0
    assert evaluate(logits, np.array([0, 1]))["error"] == 50.0


def test_macro_f1_leaves_out_classes_that_never_occur() -> None:
    logits = np.eye(10, dtype=np.float32)[[0, 1, 1]]
    assert evaluate(logits, np.array([0, 1, 2]))["macro_f1"] == pytest.approx(100 * (1 + 2 / 3 + 0) / 3)


def test_a_single_image_and_a_single_class_of_labels() -> None:
    logits, _ = sample(6, 20)
    labels = np.full(20, 3)
    metrics = evaluate(logits, labels)
    assert metrics["macro_f1"] == pytest.approx(100 * f1_score(labels, logits.argmax(1), average="macro"))
    assert all(np.isfinite(value) for value in metrics.values() if value is not None)
    right = evaluate(logits[:1], logits[:1].argmax(axis=1))
    assert (right["error"], right["aurc"], right["eaurc"]) == (0.0, 0.0, 0.0)
    wrong = evaluate(logits[:1], logits[:1].argmin(axis=1))
    assert (wrong["error"], wrong["aurc"], wrong["eaurc"]) == (100.0, 1000.0, 0.0)
    one_class = evaluate(np.ones((3, 1), dtype=np.float32), np.zeros(3, dtype=np.int64))
    assert (one_class["nll"], one_class["error"], one_class["ece10"], one_class["brier"]) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("value", [1e4, -1e4, 3e38])
def test_saturated_logits_give_finite_metrics(value: float) -> None:
    logits = np.zeros((4, 6), dtype=np.float32)
    logits[:, 1] = value
    metrics = evaluate(logits, np.array([1, 1, 0, 5]))
    assert all(np.isfinite(number) for number in metrics.values() if number is not None)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_give_nan(value: float) -> None:
    logits, labels = sample(7, 20)
    logits[3, 2] = value
    metrics = evaluate(logits, labels)
    assert set(metrics) == NAMES
    assert all(np.isnan(number) for number in metrics.values() if number is not None)
    assert metrics["top5_error"] is not None
    assert evaluate(logits[:, :5], labels % 5)["top5_error"] is None
    assert np.isnan(fit_temperature(logits, labels))
    assert all(np.isnan(number) for number in scaled(logits, labels, 2.0).values() if number is not None)
    assert all(np.isnan(number) for number in scaled(sample(7)[0], sample(7)[1], np.nan).values() if number is not None)
    assert reliability_bins(logits, labels, 10) == []
    assert np.isnan(agreement(logits, sample(7, 20)[0]))
    assert np.isnan(agreement(sample(7, 20)[0], logits))


def nll_at(logits: Array, labels: Array, temperature: float) -> float:
    return -float(log_softmax(logits.astype(np.float64) / temperature, axis=1)[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize("scale", [0.3, 1.0, 5.0])
def test_fitted_temperature_minimises_nll(scale: float) -> None:
    logits, labels = sample(8)
    logits = (scale * logits).astype(np.float64)
    fitted = fit_temperature(logits, labels)
    grid = fitted * np.exp(np.linspace(-0.5, 0.5, 101))
    losses = [nll_at(logits, labels, t) for t in grid]
    assert int(np.argmin(losses)) == 50
    assert fitted == pytest.approx(scale * fit_temperature(sample(8)[0], labels), rel=1e-5)


def test_fitted_temperature_stays_within_its_bounds() -> None:
    logits, _ = sample(9, 30)
    assert fit_temperature(logits, logits.argmax(axis=1)) == 0.01
    assert fit_temperature(logits, logits.argmin(axis=1)) == 100.0
    assert fit_temperature(np.zeros((4, 3), np.float32), np.array([0, 1, 2, 0])) == 100.0
    assert 0.01 < fit_temperature(1e4 * logits, np.roll(logits.argmax(axis=1), 1)) <= 100.0


@given(st.integers(0, 200), st.floats(-3, 3))
@settings(max_examples=20, deadline=None)
def test_fit_finds_the_minimum_for_any_logits(seed: int, log10_scale: float) -> None:
    logits, labels = sample(seed, 30, 4)
    logits = logits * 10.0**log10_scale
    fitted = fit_temperature(logits, labels)
    best = min(nll_at(logits, labels, t) for t in np.geomspace(0.01, 100, 80))
    assert nll_at(logits, labels, fitted) <= best + 1e-9


def test_scaled_metrics_are_those_of_divided_logits() -> None:
    logits, labels = sample(10)
    divided = evaluate(logits.astype(np.float64) / 2.5, labels)
    assert scaled(logits, labels, 2.5) == {
        "ece15_scaled": pytest.approx(divided["ece15"]),
        "nll_scaled": pytest.approx(divided["nll"]),
    }


def test_agreement() -> None:
    a = np.eye(4, dtype=np.float32)
    assert agreement(a, a) == 100.0
    assert agreement(a, a[[0, 1, 3, 2]]) == 50.0
