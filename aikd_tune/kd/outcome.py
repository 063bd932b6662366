"""What a trial leaves behind: columns of its row, reliability bins and predictions."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aikd_tune.kd.data.decoded import Labels
from aikd_tune.kd.data.splits import Indices
from aikd_tune.kd.metrics import agreement, evaluate, fit_temperature, reliability_bins, scaled, teacher_kl
from aikd_tune.kd.placed import Part

BIN_COUNTS = (10, 15)
Row = dict[str, Any]
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Outcome:
    """Columns of the ``trials`` table that only training can know, and rows of ``bins`` and ``predictions``."""

    columns: Row
    bins: list[Row] = field(default_factory=list)
    predictions: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Predicted:
    """One network's logits (n, K) on one split, with what is known of its images."""

    split: str  # val or test
    logits: Logits
    labels: Labels  # (n,)
    indices: Indices  # (n,) in the data set

    @classmethod
    def on(cls, split: str, logits: Logits, part: Part) -> "Predicted":
        """Logits on the images of a part."""
        return cls(split, logits, part.labels, part.indices)

    def fitted_temperature(self) -> float:
        """The temperature of temperature scaling; fitted on validation, used on both splits."""
        return fit_temperature(self.logits, self.labels)

    def columns(self, temperature: float, teacher: "Predicted | None" = None) -> Row:
        """All metrics, named with the split in front."""
        columns = {
            **evaluate(self.logits, self.labels),
            **scaled(self.logits, self.labels, temperature),
            "teacher_agreement": None if teacher is None else agreement(self.logits, teacher.logits),
            "teacher_kl": None if teacher is None else teacher_kl(teacher.logits, self.logits),
        }
        return {f"{self.split}_{name}": value for name, value in columns.items()}

    def bins(self, key: str) -> list[Row]:
        """Rows of the ``bins`` table under a trial key or teacher key."""
        return [
            {"trial_key": key, "split": self.split, **row}
            for num_bins in BIN_COUNTS
            for row in reliability_bins(self.logits, self.labels, num_bins)
        ]

    def rows(self, key: str) -> list[Row]:
        """Rows of the ``predictions`` table."""
        return [
            {"trial_key": key, "split": self.split, "image_index": index, "label": label, "logits": logits}
            for index, label, logits in zip(
                self.indices.tolist(), self.labels.tolist(), self.logits.tolist(), strict=True
            )
        ]


@dataclass(frozen=True)
class Predictions:
    """A trial's networks after its last epoch on validation, and on test where it is open; None where there is none."""

    val: Predicted | None
    test: Predicted | None = None
    teacher_val: Predicted | None = None
    teacher_test: Predicted | None = None

    def outcome(self, columns: Row, trial_key: str, teacher_key: str | None) -> Outcome:
        """``columns`` and the metrics of the student; the bins of both networks; predictions where test is open."""
        bins: list[Row] = []
        predictions: list[Row] = []
        if self.val is not None:
            temperature = self.val.fitted_temperature()
            columns = columns | self.val.columns(temperature, self.teacher_val)
            bins += self.val.bins(trial_key)
            if self.test is not None:
                columns |= self.test.columns(temperature, self.teacher_test)
                bins += self.test.bins(trial_key)
                predictions = self.val.rows(trial_key) + self.test.rows(trial_key)
        for predicted in (self.teacher_val, self.teacher_test):
            if predicted is not None and teacher_key is not None:
                bins += predicted.bins(teacher_key)
        return Outcome(columns, bins, predictions)

    def teacher_columns(self) -> Row:
        """Metrics of the teacher, on test too where it is open."""
        if self.teacher_val is None:
            return {}
        temperature = self.teacher_val.fitted_temperature()
        columns = self.teacher_val.columns(temperature)
        return columns if self.teacher_test is None else columns | self.teacher_test.columns(temperature)
