"""A set of the user's own: what a function of theirs, ``package.module:function``, returns.

It is called with ``data.path`` where it has a parameter ``path``, else with nothing, and returns a mapping: ``train``
and, if there is a test part, ``test`` (each images and labels), ``classes`` (their names) if there are any. Images are
uint8 of (n, H, W), (n, H, W, C) or (n, C, H, W), C 1 or 3; labels are whole numbers from 0, (n,).

It is called once per machine, and again when its source file or what lies at ``data.path`` has changed (by size and
time of every file below). Other files that it reads, and modules that it imports, are not watched.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from aikd_tune.errors import DataError, UserError
from aikd_tune.kd.data.cache import cache_folder, cached_folder, locked
from aikd_tune.kd.data.fingerprints import Entry, Known, entry, readable, remember, remembered
from aikd_tune.kd.data.source import folder_name
from aikd_tune.kd.data.storage import storage_of
from aikd_tune.spec.fields import Data
from aikd_tune.spec.own_code import source_sha256

# Raised when what a function returns becomes another set than before.
_VERSION = 1


def decoded_folder(data: Data) -> Path:
    """The cache's folder with the set, for which the function is called if need be; raises DataError."""
    state = _state(data)
    folder = _written(state, data)
    if folder is None:
        # One process of a machine calls the function; the others find what it returned.
        with locked(f"own-{source_sha256(data.name)[:32]}"):
            folder = _written(state, data) or _call(state, data)
    return folder


def _written(state: Known, data: Data) -> Path | None:
    contents = remembered(state)
    folder = cache_folder() / folder_name(contents or "", storage_of(data))
    return folder if contents is not None and folder.is_dir() else None


def _call(state: Known, data: Data) -> Path:
    from aikd_tune.kd.data.own_arrays import call, fingerprint, write

    arrays = call(data)
    contents = fingerprint(arrays)
    folder = cached_folder(folder_name(contents, storage_of(data)), partial(write, arrays, data.stored_size, contents))
    remember(state, contents)
    return folder


def _state(data: Data) -> Known:
    try:
        source = source_sha256(data.name)
    except UserError as error:
        raise DataError(str(error)) from error
    if data.source_sha256 not in (None, source):
        raise DataError(f"{data.name}: its source file must stay as it was when the study was read, found it changed")
    if data.path is None:
        return [_VERSION, data.name, source, None]
    return [_VERSION, data.name, source, data.path, *sorted(_files(Path(data.path).expanduser()))]


def _files(path: Path) -> Iterator[Entry]:
    """State of the file at ``path``, or of all files below it; nothing where there is none (it may be no path)."""
    with readable(path):
        if path.is_file():
            yield entry("", path)
        for folder, _, names in os.walk(path):
            for name in names:
                file = Path(folder, name)
                if file.is_file():
                    yield entry("", file)
