"""The files of a ``parquet_images`` set; no Parquet library, so that a warm start is fast."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from aikd_tune.errors import DataError
from aikd_tune.kd.data.decoded import PartName
from aikd_tune.kd.data.fingerprints import entry, fingerprint, readable
from aikd_tune.kd.data.source import Source
from aikd_tune.kd.data.storage import Storage, storage_of
from aikd_tune.spec.fields import Data

# Raised when files mean something else than they did.
_KIND = "parquet_images 1"
_PARTS: tuple[PartName, ...] = ("train", "test")


def find(data: Data) -> Source:
    """The set at ``data.path``; raises DataError where there is none."""
    if data.path is None:
        raise DataError("data.path: parquet_images needs a Parquet file or a folder of them, found none")
    parts = find_parts(Path(data.path).expanduser())
    contents = fingerprint(_KIND, [entry(part, file) for part, files in parts.items() for file in files])
    return Source(contents, partial(_decode, parts, storage_of(data), contents))


def find_parts(path: Path) -> Mapping[PartName, list[Path]]:
    """Files of each part, ``train`` and perhaps ``test``, in order of name.

    A file is a set without a test split. A folder holds train*.parquet and perhaps test*.parquet, or folders train*
    and test* of Parquet files; other files are left alone.
    """
    with readable(path):
        if path.is_file():
            return {"train": [path]}
        if not path.is_dir():
            raise DataError(f"{path}: parquet_images needs a Parquet file or a folder of them, found nothing there")
        every = {part: [*path.glob(f"{part}*.parquet"), *path.glob(f"{part}*/*.parquet")] for part in _PARTS}
        found = sorted(entry.name for entry in path.iterdir())[:3]
    parts = {part: sorted(files) for part, files in every.items() if files}
    if "train" not in parts:
        raise DataError(
            f"{path}: a folder of parquet_images needs train*.parquet (and test*.parquet if it has a test split), "
            f"found {', '.join(found) or 'an empty folder'}"
        )
    return parts


def _decode(parts: Mapping[PartName, list[Path]], storage: Storage, contents: str, folder: Path) -> None:
    from aikd_tune.kd.data.parquet_images import decode  # pyarrow is slow to import, and needed to decode alone

    decode(parts, storage, contents, folder)
