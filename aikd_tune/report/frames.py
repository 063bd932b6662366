"""A study folder as tidy pandas frames."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd

from aikd_tune.errors import StudyFolderError
from aikd_tune.spec import Setting, Study, parse_study
from aikd_tune.store.folder import StudyFolder
from aikd_tune.store.provenance import Provenance
from aikd_tune.store.reader import read_frame
from aikd_tune.store.schema import Table

ENDED = ("complete", "pruned", "diverged", "failed")


@dataclass(frozen=True)
class StudyRecords:
    """What a study folder holds. Each table is read when it is first asked for, with the columns of the contract."""

    folder: Path
    study: Study
    study_text: str
    """The recorded study file, as resolved."""
    provenance: Mapping[str, Any]
    load: Callable[[Table], pd.DataFrame]

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row a trial."""
        return self.load("trials")

    @cached_property
    def teachers(self) -> pd.DataFrame:
        """One row a teacher."""
        return self.load("teachers")

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row a run and epoch."""
        return self.load("epochs")

    @cached_property
    def bins(self) -> pd.DataFrame:
        """One row a bin of a reliability diagram."""
        return self.load("bins")

    @cached_property
    def search(self) -> pd.DataFrame:
        """Search trials in the order of their settings."""
        rows = self.trials[self.trials["kind"] == "search"]
        return rows.astype({"setting": "int64"}).sort_values("setting", ignore_index=True)

    @cached_property
    def confirmation(self) -> pd.DataFrame:
        """Confirmation trials, confirmed settings first, by arm and seed."""
        rows = self.trials[self.trials["kind"] == "confirmation"]
        return rows.astype({"seed": "int64"}).sort_values(
            ["confirm_rank", "arm", "seed"], na_position="last", ignore_index=True
        )

    @cached_property
    def searched_values(self) -> pd.DataFrame:
        """One row a search trial: setting, state, and each searched field by its path (missing where inactive)."""
        rows = [
            {"setting": setting, "state": state, **self.study.space.values(setting_of(config))}
            for setting, state, config in zip(
                self.search["setting"], self.search["state"], self.search["config"], strict=True
            )
        ]
        return pd.DataFrame(rows, columns=["setting", "state", *self.study.space.order])

    def curves(self, metric: str) -> pd.DataFrame:
        """Validation through the epochs of the search: setting, state, epoch, value; finite values only."""
        keys = self.search.set_index("trial_key")[["setting", "state"]]
        rows = self.epochs[["run_key", "epoch", metric]].dropna()
        joined = rows.join(keys, on="run_key", how="inner").rename(columns={metric: "value"})
        return joined.sort_values(["setting", "epoch"], ignore_index=True)[["setting", "state", "epoch", "value"]]


def read_study(path: Path) -> StudyRecords:
    """The records of the study at ``path``, running or ended.

    Raises:
        StudyFolderError: no study folder, or one whose files cannot be read; the message names the file.
    """
    folder = StudyFolder.existing(path)
    try:
        text = folder.study_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyFolderError(f"{folder.study_file}: cannot be read") from error
    study = parse_study(text, str(folder.study_file))
    return StudyRecords(folder.path, study, text, Provenance(folder).read(), partial(read_frame, folder))


def setting_of(config: str) -> Setting:
    """The setting of a trial's ``config`` column."""
    return Setting.model_validate_json(config)
