"""The metrics in words: name, unit, direction and how many decimals mean something."""

from dataclasses import dataclass

from aikd_tune.report.intervals import Estimate
from aikd_tune.spec import is_maximised

MINUS = "−"
SPLITS = {"val": "validation", "test": "test"}


@dataclass(frozen=True)
class Measure:
    """One metric of one split, as the column ``name`` of the tables."""

    name: str
    split: str
    label: str
    unit: str
    decimals: int

    @property
    def maximised(self) -> bool:
        """Whether more is better."""
        return is_maximised(self.name)

    @property
    def title(self) -> str:
        """Name with split and unit, for an axis: ``validation error (%)``."""
        return f"{self.phrase} ({self.unit})" if self.unit else self.phrase

    @property
    def heading(self) -> str:
        """Name with unit, for a column: ``error (%)``."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def phrase(self) -> str:
        """Name with split, for a sentence: ``validation error``."""
        return f"{SPLITS[self.split]} {self.label}"

    @property
    def value_unit(self) -> str:
        """What follows a value of the metric: `` %``, `` ×1000`` or nothing."""
        return f" {self.unit}" if self.unit else ""

    @property
    def difference_unit(self) -> str:
        """What follows a difference: percentages differ by points."""
        return f" points of {self.label}" if self.unit == "%" else f" of {self.label}"

    def minimised(self, value: float) -> float:
        """The value with its sign set so that less is better."""
        return -value if self.maximised else value

    def on(self, split: str) -> "Measure":
        """The same metric of another split."""
        return measure(f"{split}_{self.name.partition('_')[2]}")

    def text(self, value: float | None) -> str:
        """A value without unit; a dash where there is none."""
        return number(value, self.decimals)

    def with_unit(self, value: float | None) -> str:
        """A value with its unit: ``4.80 %``."""
        return f"{self.text(value)}{self.value_unit}"

    def signed(self, value: float) -> str:
        """A difference with its sign."""
        return signed(value, self.decimals)

    def plus_minus(self, found: Estimate) -> str:
        """``mean ± half width``; the mean alone where there is no interval."""
        if found.half_width is None:
            return self.text(found.mean)
        return f"{self.text(found.mean)} ± {self.text(found.half_width)}"

    def with_interval(self, found: Estimate) -> str:
        """``mean ± half width`` with the unit."""
        return f"{self.plus_minus(found)}{self.value_unit}"

    def interval(self, found: Estimate) -> str:
        """``low to high`` with signs, or why there is none."""
        if found.low is None or found.high is None:
            return "no interval: one pair" if found.n == 1 else "no interval: all pairs equal"
        return f"{self.signed(found.low)} to {self.signed(found.high)}"


_MEASURES = {
    "error": ("error", "%", 2),
    "top5_error": ("top-5 error", "%", 2),
    "macro_f1": ("macro F1", "%", 2),
    "nll": ("NLL", "", 3),
    "ece10": ("ECE, 10 bins", "%", 2),
    "ece15": ("ECE, 15 bins", "%", 2),
    "aurc": ("AURC", "×1000", 2),
    "eaurc": ("E-AURC", "×1000", 2),
    "brier": ("Brier score", "", 3),
    "ece15_scaled": ("ECE, 15 bins, temperature-scaled", "%", 2),
    "nll_scaled": ("NLL, temperature-scaled", "", 3),
    "teacher_agreement": ("agreement with the teacher", "%", 2),
    "teacher_kl": ("KL from the teacher", "nats", 4),
}


def measure(column: str) -> Measure:
    """The metric of a column such as ``val_error``."""
    split, _, name = column.partition("_")
    return Measure(column, split, *_MEASURES[name])


def number(value: float | None, decimals: int) -> str:
    """A number with a true minus sign and no negative zero; a dash for none."""
    if value is None or value != value:
        return "–"
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", MINUS)


def signed(value: float, decimals: int) -> str:
    """A number with its sign, zero without."""
    text = number(value, decimals)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def plural(count: int, noun: str, more: str | None = None) -> str:
    """``1 trial``, ``2 trials``."""
    return f"{count:,} {noun if count == 1 else more or noun + 's'}"


def duration(seconds: float) -> str:
    """Seconds in the two largest units that say something: ``45 s``, ``3 min 20 s``, ``2 h 05 min``, ``3 d 4 h``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"
