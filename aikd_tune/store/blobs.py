"""Files of bytes whose names say their content: teachers, checkpoints. Any process may write them."""

import os
import re
from pathlib import Path

from aikd_tune.errors import StudyFolderError
from aikd_tune.store.files import clear_temporary, one_line_errors, remove_tree, write_atomic
from aikd_tune.store.folder import local_path

_SCRATCH = ".scratch"
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}", re.ASCII)
_MAX_DEPTH = 4


class Blobs:
    """Named bytes under a folder. Equal names mean equal content, so a second writer can at worst repeat it.

    A name is one to four parts joined by ``/``, each of at most 128 letters, digits, ``.``, ``_``, ``=``, ``-``,
    starting with a letter or digit. Anything else (``..``, absolute, empty, hidden) is refused, and so is a name that
    leaves the folder through a link.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = local_path(root)

    def put(self, name: str, data: bytes) -> None:
        """Write a blob, whole or not at all; durable when this returns."""
        write_atomic(self.path(name), data, self._root / _SCRATCH)

    def get(self, name: str) -> bytes | None:
        """The bytes of a blob, or None where there is none."""
        path = self.path(name)
        with one_line_errors(path, "cannot be read"):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def names(self, under: str = "") -> list[str]:
        """Names of all blobs, or of those below the folder ``under``, sorted."""
        top = self.path(under) if under else self._root
        found = (path for path in top.rglob("*") if path.is_file())
        names = (path.relative_to(self._root).as_posix() for path in found)
        return sorted(name for name in names if not name.startswith(f"{_SCRATCH}/"))

    def delete(self, name: str) -> None:
        """Remove a blob, or all below a folder of them; nothing happens where there is none."""
        remove_tree(self.path(name))

    def clear_temporary(self, older_than_s: float = 3600.0) -> None:
        """Remove temporary files of dead writers: those that nobody has written to for so long."""
        clear_temporary(self._root / _SCRATCH, older_than_s)

    def path(self, name: str) -> Path:
        """Where a blob is, or would be."""
        parts = name.split("/")
        if not (len(parts) <= _MAX_DEPTH and all(_SEGMENT.fullmatch(part) for part in parts)):
            raise StudyFolderError(f"{self._root}: {name!r} cannot name a file here")
        path = self._root / name
        root = os.path.realpath(self._root)
        if not os.path.realpath(path).startswith(f"{root}{os.sep}"):
            raise StudyFolderError(f"{path}: leads out of {self._root}")
        return path
