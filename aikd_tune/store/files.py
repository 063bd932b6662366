"""Files that are whole or absent, whatever dies when."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aikd_tune.errors import StudyFolderError


@contextmanager
def one_line_errors(path: Path, action: str = "cannot be written") -> Iterator[None]:
    """Turn what the operating system says (disk full, no permission) into one line that names ``path``."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StudyFolderError(f"{path}: {action}: {reason[:1].lower()}{reason[1:]}") from error


def write_atomic(path: Path, data: bytes, scratch: Path) -> None:
    """Write ``data`` to ``path`` in one rename; when this returns, it survives a power cut.

    Args:
        path: a reader finds the old file or the new one there, never a part of one.
        data: the whole content.
        scratch: folder for the temporary file, on the same file system; a temporary file beside ``path`` would be read
            as part of a table.

    Raises:
        StudyFolderError: disk full, no permission and the like; ``path`` is then as it was.
    """
    with one_line_errors(path):
        make_folder(path.parent)
        scratch.mkdir(parents=True, exist_ok=True)
        # The process and a random part: two writers of one name must not share a temporary file.
        temporary = scratch / f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}"
        try:
            with temporary.open("wb", buffering=0) as file:
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Create a folder and its parents, so that they survive a power cut."""
    if path.is_dir():
        return
    with one_line_errors(path):
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make renames and removals inside a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear_temporary(scratch: Path, older_than_s: float = 3600.0) -> None:
    """Remove temporary files of dead writers: those that nobody has written to for so long. Sub-folders stay."""
    if not scratch.is_dir():
        return
    for path in scratch.iterdir():
        # One that is gone between two lines had a living writer, which has finished.
        with one_line_errors(path, "cannot be removed"), suppress(FileNotFoundError):
            if not path.is_dir() and time.time() - path.stat().st_mtime > older_than_s:
                path.unlink()


def remove_tree(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing happens where there is none."""
    with one_line_errors(path, "cannot be removed"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
