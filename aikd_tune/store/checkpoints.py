"""The checkpoints of one trial: the newest two, so that a damaged one costs little."""

from collections.abc import Callable
from contextlib import suppress

from aikd_tune.errors import StudyFolderError, UserError
from aikd_tune.store.blobs import Blobs

_KEPT = 2


class TrialCheckpoints:
    """Checkpoints among ``blobs`` under a trial's key, named by phase and epoch."""

    def __init__(self, blobs: Blobs, trial_key: str) -> None:
        self._blobs, self._trial_key = blobs, trial_key

    def save(self, phase: int, epoch: int, data: bytes) -> None:
        """Keep this one and the one before it. One that cannot be written is left out: the trial itself is well."""
        with suppress(StudyFolderError):
            self._blobs.put(f"{self._trial_key}/{phase}-{epoch:06d}.pt", data)
            for name in self._blobs.names(self._trial_key)[:-_KEPT]:
                self._blobs.delete(name)

    def restore(self, restore: Callable[[bytes], None]) -> list[str]:
        """Hand the newest to ``restore``, and the one before where it raises UserError; what was refused, a line each.

        Where every one is refused, or there is none, the trial starts from its beginning.
        """
        refused: list[str] = []
        for name in reversed(self._blobs.names(self._trial_key)):
            data = self._blobs.get(name)
            if data is None:
                continue
            try:
                restore(data)
                break
            except UserError as error:
                refused.append(f"{self._blobs.path(name)}: not used: {error}")
        return refused

    def remove(self) -> None:
        """Remove all of the trial's."""
        self._blobs.delete(self._trial_key)
