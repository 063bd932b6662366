"""A copy of the search for ``optuna-dashboard``: one line at the end of a setting; deleting it loses nothing."""

from collections.abc import Iterable
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from aikd_tune.run.sampler import Evaluation, frozen
from aikd_tune.spec import Study

NUMBER = "setting"


class Mirror:
    """The journal of ended settings, in order of arrival; the setting's number is a user attribute."""

    def __init__(self, path: Path, study: Study) -> None:
        self._path, self._study = path, study
        self._pending: list[Evaluation] = []
        self._optuna: optuna.Study | None = None

    def rebuild(self, evaluations: Iterable[Evaluation]) -> None:
        """Bring the journal up to the tables: append what is missing, or write it anew when it says anything else."""
        # A killed run can leave its lock behind; the study folder's own lock says that nobody else writes.
        self._path.with_name(self._path.name + ".lock").unlink(missing_ok=True)
        ended = {e.number: e for e in evaluations if e.state != "running"}
        try:
            mirrored = {trial.user_attrs.get(NUMBER) for trial in self._open().get_trials(deepcopy=False)}
        except (ValueError, KeyError, OSError):  # not a journal, or one cut short
            mirrored = {None}
        if not mirrored <= ended.keys():
            self._path.unlink(missing_ok=True)
            self._optuna, mirrored = None, set()
        self._pending = [e for number, e in sorted(ended.items()) if number not in mirrored]

    def add(self, evaluation: Evaluation) -> None:
        """Remember an ended setting until the next ``flush``."""
        self._pending.append(evaluation)

    def flush(self) -> None:
        """Append the settings that have ended since; a journal that cannot be written waits for the next run."""
        pending, self._pending = self._pending, []
        try:
            for evaluation in pending:
                trial = frozen(self._study, evaluation)
                trial.set_user_attr(NUMBER, evaluation.number)
                self._open().add_trial(trial)
        except (OSError, ValueError, KeyError):  # a full disk, or a line that a killed run cut short
            self._path.unlink(missing_ok=True)
            self._optuna = None

    def _open(self) -> optuna.Study:
        if self._optuna is None:
            storage = JournalStorage(JournalFileBackend(str(self._path)))
            # As the sampler sees it: a metric of which more is better has its sign turned.
            self._optuna = optuna.create_study(
                study_name=self._study.name, storage=storage, direction="minimize", load_if_exists=True
            )
        return self._optuna
