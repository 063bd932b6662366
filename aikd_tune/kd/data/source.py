"""A set that was found and not opened: what it contains, and how to decode it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import PIL

from aikd_tune.kd.data.decoded import LAYOUT
from aikd_tune.kd.data.storage import Storage

# Raised when the same bytes of an image become other levels.
_DECODER = 2


class Source(NamedTuple):
    """Contents by fingerprint, and ``decode``, which writes them into a folder of the cache (see ``decoded``)."""

    fingerprint: str
    decode: Callable[[Path], None]


def folder_name(fingerprint: str, storage: Storage) -> str:
    """The cache's folder of a decoded set: by contents, by what turns bytes into levels, and by how they are kept."""
    kept = "".join(f"-{part}" for part in storage if part is not None)
    return f"v{LAYOUT}-{fingerprint[:32]}-{_DECODER}-pillow-{PIL.__version__}{kept}"
