"""Every path of a results root and of a study folder, in one place."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aikd_tune.errors import StudyFolderError
from aikd_tune.store.files import remove_tree, write_atomic

TEACHERS = "_teachers"
TRAINED = "_train"  # checkpoints of trials that run outside a study

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")  # one slash: Path("s3://bucket") has lost the other
_STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def local_path(address: str | Path) -> Path:
    """A path, or a ``file://`` address, as a path; any other scheme is refused."""
    text = str(address)
    scheme = _SCHEME.match(text)
    if not scheme:
        return Path(text)
    if text.startswith(("file:///", "file://localhost/")):
        return Path(unquote(urlsplit(text).path))
    raise StudyFolderError(f"{text}: results are written to local folders in this version; give a path or file:///path")


class StudyFolder:
    """The paths of one study; nothing is created by asking for them."""

    def __init__(self, path: str | Path) -> None:
        self.path = local_path(path)

    @classmethod
    def named(cls, results: str | Path, study: str) -> "StudyFolder":
        """The folder of the study called ``study`` in a results root."""
        if not _STUDY_NAME.fullmatch(study):
            raise StudyFolderError(
                f"study name {study!r}: 1 to 64 of letters, digits, '.', '_', '-', the first a letter or digit"
            )
        return cls(local_path(results) / study)

    @classmethod
    def existing(cls, path: str | Path) -> "StudyFolder":
        """The folder of a study that has been started; raises where there is none."""
        folder = cls(path)
        if not folder.is_study():
            raise StudyFolderError(f"{folder.path}: not a study folder (no study.yaml in it)")
        return folder

    def is_study(self) -> bool:
        """Whether a study has been started here."""
        return self.study_file.is_file()

    @property
    def name(self) -> str:
        """The study's name."""
        return self.path.resolve().name

    @property
    def results(self) -> Path:
        """The results root that holds this study and its teachers."""
        return self.path.resolve().parent

    @property
    def teachers(self) -> Path:
        """Weights and logits of teachers, shared by all studies of the root."""
        return self.results / TEACHERS

    @property
    def study_file(self) -> Path:
        """The study as resolved."""
        return self.path / "study.yaml"

    @property
    def provenance_file(self) -> Path:
        """Where, when and with what the study was run."""
        return self.path / "provenance.json"

    def table(self, table: str) -> Path:
        """The folder of a table: Parquet files and nothing else, ever."""
        return self.path / table

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of unfinished trials."""
        return self.path / "checkpoints"

    @property
    def journal(self) -> Path:
        """The mirror that optuna-dashboard opens."""
        return self.path / "optuna.journal"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.path / "report.html"

    @property
    def lock_file(self) -> Path:
        """Held (flock) by the one process that may write here."""
        return self.path / ".lock"

    @property
    def scratch(self) -> Path:
        """Temporary files: on the same file system as the tables, and outside them."""
        return self.path / ".scratch"

    def compaction(self, table: str) -> Path:
        """Where a table's merged file and its manifest wait."""
        return self.scratch / "compaction" / table

    def create(self, study: str) -> None:
        """Start the study: write ``study.yaml``, the study as resolved."""
        write_atomic(self.study_file, study.encode(), self.scratch)

    def remove_checkpoints(self, trial_key: str) -> None:
        """Remove the checkpoints of a trial that has ended."""
        assert trial_key.isalnum(), trial_key
        remove_tree(self.checkpoints / trial_key)
