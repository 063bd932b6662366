"""Domains: what a study file may put in place of a scalar."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeGuard

from aikd_tune.spec.leaves import Scalar


class Absent(Enum):
    """The type of ABSENT: a domain without ``or`` (None is a value that ``or`` may take)."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


def same(a: object, b: object) -> bool:
    """Equal and of one kind: 1 is 1.0 but not True."""
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def is_number(value: object) -> TypeGuard[int | float]:
    """A number; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, kw_only=True)
class _Domain:
    """``or_``: one value beside the domain proper; ``when``: what each path must be for the domain to count."""

    or_: Scalar | Absent = ABSENT
    when: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict, hash=False)

    @property
    def has_or(self) -> bool:
        """Whether ``or:`` was given."""
        return self.or_ is not ABSENT

    @property
    def switch(self) -> tuple[Scalar, ...]:
        """The value of ``or``, if any."""
        return () if isinstance(self.or_, Absent) else (self.or_,)

    def is_or(self, value: Scalar) -> bool:
        """Whether ``value`` is the one beside the domain proper."""
        return self.has_or and same(self.or_, value)


@dataclass(frozen=True)
class _Range(_Domain):
    """Numbers from ``low`` to ``high``, both included."""

    low: float
    high: float

    def contains(self, value: Scalar) -> bool:
        """Whether ``value`` is in the domain or is its ``or``."""
        return self.is_or(value) or (is_number(value) and self.low <= value <= self.high)

    def nearest(self, value: Scalar) -> Scalar:
        """``value`` where contained, else the nearest of the domain proper (its start where ``value`` is no number)."""
        if self.contains(value):
            return value
        return min(max(float(value), self.low), self.high) if is_number(value) else self.low

    @property
    def size(self) -> int | None:
        """How many values there are; None: without end."""
        return None


@dataclass(frozen=True)
class Uniform(_Range):
    """A number, every one as likely."""


@dataclass(frozen=True)
class LogUniform(_Range):
    """A number above 0, every order of magnitude as likely."""


@dataclass(frozen=True)
class IntRange(_Domain):
    """A whole number of low, low + step, ..., high; ``log``: every order of magnitude as likely (step 1 only)."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def contains(self, value: Scalar) -> bool:
        """Whether ``value`` is in the domain or is its ``or``."""
        if self.is_or(value):
            return True
        return is_number(value) and self.low <= value <= self.high and (value - self.low) % self.step == 0

    def nearest(self, value: Scalar) -> Scalar:
        """``value`` where contained, else the nearest of the domain proper (its start where ``value`` is no number)."""
        if self.contains(value):
            return value
        if not is_number(value):
            return self.low
        inside = min(max(value, self.low), self.high)
        return self.low + round((inside - self.low) / self.step) * self.step

    @property
    def members(self) -> tuple[Scalar, ...]:
        """Every value, ``or`` last."""
        return (*range(self.low, self.high + 1, self.step), *self.switch)

    @property
    def size(self) -> int | None:
        """How many values there are."""
        return (self.high - self.low) // self.step + 1 + self.has_or


@dataclass(frozen=True)
class Choice(_Domain):
    """One of a list."""

    options: tuple[Scalar, ...]

    def contains(self, value: Scalar) -> bool:
        """Whether ``value`` is in the domain or is its ``or``."""
        return self.is_or(value) or any(same(option, value) for option in self.options)

    def nearest(self, value: Scalar) -> Scalar:
        """``value`` where the domain contains it, else the nearest number or the most similar word, else the first."""
        if self.contains(value):
            return value
        if is_number(value):
            numbers = [option for option in self.options if is_number(option)]
            if numbers:
                return min(numbers, key=lambda option: abs(option - value))
        words = [option for option in self.options if isinstance(option, str)]
        similar = difflib.get_close_matches(value, words, n=1) if isinstance(value, str) else []
        return similar[0] if similar else self.options[0]

    @property
    def members(self) -> tuple[Scalar, ...]:
        """Every value, ``or`` last."""
        return (*self.options, *self.switch)

    @property
    def size(self) -> int | None:
        """How many values there are."""
        return len(self.options) + self.has_or


Domain = Uniform | LogUniform | IntRange | Choice
