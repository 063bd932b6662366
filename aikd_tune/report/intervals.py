"""Means and paired differences with 95 % t intervals. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit  # the t quantile; scipy.stats would double the time that `status` takes to start

LEVEL = 0.95
RELATIVE_ROUNDING = 1e-9
"""A spread below this share of the values is rounding error: equal steps of a discrete metric differ by it."""


@dataclass(frozen=True)
class Estimate:
    """A mean over n values (training seeds) with its sample standard deviation and 95 % t interval.

    ``mean`` is None without values. ``sd`` is None below two values. The interval is None below two values, and where
    all values are equal: a spread of zero says nothing about the next seed.
    """

    n: int
    mean: float | None
    sd: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def half_width(self) -> float | None:
        """Half the width of the interval, for ``mean ± half``."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies strictly outside the interval; False without one."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def estimate(values: Iterable[float]) -> Estimate:
    """The mean of independent values (any unit) with its t interval.

    Raises:
        ValueError: a value is not finite; a mean over the finite ones would hide that a run broke.
    """
    array = np.asarray(list(values), dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"every value must be finite, found {array[~np.isfinite(array)][0]}")
    n = len(array)
    if n == 0:
        return Estimate(0, None)
    mean = float(array.mean())
    if n == 1:
        return Estimate(1, mean)
    sd = float(array.std(ddof=1))
    if sd <= RELATIVE_ROUNDING * float(np.abs(array).max()):
        return Estimate(n, mean, 0.0)
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * sd / math.sqrt(n)
    return Estimate(n, mean, sd, mean - half, mean + half)


def paired_difference(first: Mapping[int, float], second: Mapping[int, float]) -> Estimate:
    """``first - second``, seed by seed, over the seeds that both have; n is the number of pairs."""
    return estimate(first[seed] - second[seed] for seed in sorted(first.keys() & second.keys()))
