import pytest

from aikd_tune.report.intervals import Estimate
from aikd_tune.report.measures import duration, measure, number, plural, signed


def test_a_metric_in_words() -> None:
    error = measure("val_error")
    assert (error.title, error.heading, error.phrase) == ("validation error (%)", "error (%)", "validation error")
    assert error.on("test").name == "test_error"
    assert error.with_unit(6.053) == "6.05 %"
    assert error.difference_unit == " points of error"
    nll = measure("test_nll")
    assert (nll.title, nll.with_unit(0.25), nll.difference_unit) == ("test NLL", "0.250", " of NLL")


def test_only_macro_f1_is_maximised() -> None:
    assert measure("val_macro_f1").maximised
    assert measure("test_macro_f1").maximised
    assert measure("test_macro_f1").minimised(90.0) == -90.0
    assert not measure("test_error").maximised
    assert not measure("test_ece15_scaled").maximised


def test_numbers_have_a_true_minus_and_no_negative_zero() -> None:
    assert number(-0.5, 2) == "−0.50"
    assert number(-0.001, 2) == "0.00"
    assert number(None, 2) == "–"
    assert number(float("nan"), 2) == "–"
    assert signed(0.5, 1) == "+0.5"
    assert signed(-0.5, 1) == "−0.5"
    assert signed(0.04, 1) == "0.0"


def test_intervals_in_words() -> None:
    error = measure("test_error")
    assert error.with_interval(Estimate(3, 6.0, 0.2, 5.5, 6.5)) == "6.00 ± 0.50 %"
    assert error.plus_minus(Estimate(1, 6.0)) == "6.00"
    assert error.plus_minus(Estimate(0, None)) == "–"
    assert error.interval(Estimate(3, -0.5, 0.2, -1.0, 0.0)) == "−1.00 to 0.00"
    assert error.interval(Estimate(1, -0.5)) == "no interval: one pair"
    assert error.interval(Estimate(4, -0.5, 0.0)) == "no interval: all pairs equal"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.7, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (100_000, "1 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_plurals() -> None:
    assert [plural(count, "trial") for count in (0, 1, 2000)] == ["0 trials", "1 trial", "2,000 trials"]
