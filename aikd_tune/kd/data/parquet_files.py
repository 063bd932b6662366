"""The files of a ``parquet_images`` set and their fingerprint; no Parquet library, so that a warm start is fast."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import PIL

from aikd_tune.errors import DataError
from aikd_tune.kd.data.cache import cache_folder

# Raised when the decoded form of the same files changes.
_VERSION = 1


def find_parts(path: Path) -> dict[str, list[Path]]:
    """Files of each part, ``train`` and perhaps ``test``, in order of name.

    A file is a set without a test split. A folder holds train*.parquet and perhaps test*.parquet, or folders train*
    and test* of Parquet files; other files are left alone.
    """
    with _readable(path):
        if path.is_file():
            return {"train": [path]}
        if not path.is_dir():
            raise DataError(f"{path}: parquet_images needs a Parquet file or a folder of them, found nothing there")
        every = {part: [*path.glob(f"{part}*.parquet"), *path.glob(f"{part}*/*.parquet")] for part in ("train", "test")}
        found = sorted(entry.name for entry in path.iterdir())[:3]
    parts = {part: sorted(files) for part, files in every.items() if files}
    if "train" not in parts:
        raise DataError(
            f"{path}: a folder of parquet_images needs train*.parquet (and test*.parquet if it has a test split), "
            f"found {', '.join(found) or 'an empty folder'}"
        )
    return parts


def fingerprint(parts: dict[str, list[Path]]) -> str:
    """SHA-256 over the contents of all files, by part and order of name.

    Remembered in the cache by path, size and times, so that only new or changed files are read.
    """
    memo = cache_folder() / "fingerprints" / _state(parts)
    with suppress(OSError):
        remembered = memo.read_bytes()
        if len(remembered) == 64:  # a power failure can leave an empty file
            return remembered.decode("ascii")
    total = hashlib.sha256(f"parquet_images {_VERSION}".encode())
    for part, files in parts.items():
        for file in files:
            total.update(part.encode())
            total.update(_contents(file))
    # Where the cache cannot be written the files are read again next time; decoding is what reports it.
    with suppress(OSError):
        memo.parent.mkdir(parents=True, exist_ok=True)
        memo_of_this_process = memo.with_name(f"{memo.name}.{os.getpid()}")
        memo_of_this_process.write_text(total.hexdigest(), encoding="ascii")
        memo_of_this_process.replace(memo)
    return total.hexdigest()


def decoder_version() -> str:
    """Names what turns the bytes of images into pixels; a set is decoded anew when this changes."""
    return f"pillow-{PIL.__version__}"


def _contents(file: Path) -> bytes:
    with _readable(file), file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _state(parts: dict[str, list[Path]]) -> str:
    state = []
    for part, files in parts.items():
        for file in files:
            with _readable(file):
                stat = file.stat()
                state.append((part, str(file.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return hashlib.sha256(json.dumps([_VERSION, state]).encode()).hexdigest()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: must be readable, found: {error.strerror}") from error
