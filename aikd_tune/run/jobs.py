"""One trial as it is sent to a worker, and what a worker sends back."""

import json
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from aikd_tune.spec import Setting

Row = dict[str, Any]
Kind = Literal["search", "confirmation"]


@dataclass(frozen=True)
class Job:
    """A trial to run: a setting with one seed, and what the trial is for."""

    kind: Kind
    trial: int
    setting: Setting
    seed: int
    trial_key: str
    number: int | None = None
    """The setting's number in the search; None for a baseline."""
    arm: str | None = None
    confirm_rank: int | None = None
    train_on: Literal["train", "train+val"] = "train"
    test_look: int | None = None
    """Which opening of the test set the trial belongs to; None keeps the test set closed."""

    def message(self) -> str:
        """The job as JSON, for a worker."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return json.dumps(fields | {"setting": self.setting.model_dump(mode="json")})

    @classmethod
    def from_message(cls, message: str) -> "Job":
        """The inverse of ``message``."""
        fields = json.loads(message)
        fields["setting"] = Setting.model_validate_json(json.dumps(fields["setting"]))
        return cls(**fields)


class Report(NamedTuple):
    """What one step of a worker sends to the driver; a tuple, since Ray keeps every number of a dict for ever."""

    state: Literal["running", "complete", "diverged", "failed", "interrupted"]
    epoch: int
    """Student epochs done."""
    value: float
    """The search metric at ``epoch``, to be minimised; inf before the first epoch and when diverged."""
    rows: list[Row]
    """New rows of the ``epochs`` table, of either phase."""
    teacher: Row | None = None
    columns: Row | None = None
    """Columns of the ``trials`` table, whenever the trial may end here."""
    bins: list[Row] | None = None
    predictions: list[Row] | None = None
    error: str | None = None
    warnings: list[str] | None = None
    """What a person should know of the trial though it goes on, such as a damaged checkpoint."""
