"""SHA-256 of the contents of a set, remembered by the state of its files so that a warm start reads none of them."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from aikd_tune.errors import DataError
from aikd_tune.kd.data.cache import cache_folder
from aikd_tune.kd.data.threads import num_threads

Known = Sequence[object]  # whatever tells one state of the files of a set from another
State = tuple[int, int, int]  # of a file: size, and times of its contents and of its entry in nanoseconds


class Entry(NamedTuple):
    """A file of a set, where its bytes belong in the set, and its state."""

    role: str  # the part, and the class where the set's files say it
    path: str
    state: State


def entry(role: str, path: Path) -> Entry:
    """The entry of a file; raises DataError where it cannot be read."""
    return Entry(role, str(path), state_of(path))


def state_of(file: "Path | os.DirEntry[str]") -> State:
    """The state of a file, of what a link leads to; raises DataError where it cannot be read."""
    try:
        stat = file.stat()
    except OSError as error:
        raise DataError(f"{os.fspath(file)}: must be readable, found: {error.strerror}") from error
    return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def fingerprint(kind: str, entries: Sequence[Entry], names: Sequence[str] = ()) -> str:
    """SHA-256 over ``kind``, ``names`` and the role and contents of all files in the order given; not their places.

    ``names`` are the classes where the files themselves do not hold them.
    """
    state = [kind, list(names), *entries]
    known = remembered(state)
    if known is not None:
        return known
    total = hashlib.sha256(kind.encode())
    for name in names:
        total.update(json.dumps(name).encode())
    for file, contents in zip(entries, _all_contents(entries), strict=True):
        total.update(file.role.encode())
        total.update(contents)
    remember(state, total.hexdigest())
    return total.hexdigest()


def remembered(state: Known) -> str | None:
    """The fingerprint that was remembered for ``state``, if there is one."""
    with suppress(OSError):
        known = _memo(state).read_bytes()
        if len(known) == 64:  # a power failure can leave an empty file
            return known.decode("ascii")
    return None


def remember(state: Known, contents: str) -> None:
    """Remember a fingerprint in the cache; where that cannot be written, decoding is what reports it."""
    memo = _memo(state)
    with suppress(OSError):
        memo.parent.mkdir(parents=True, exist_ok=True)
        memo_of_this_process = memo.with_name(f"{memo.name}.{os.getpid()}")
        memo_of_this_process.write_text(contents, encoding="ascii")
        memo_of_this_process.replace(memo)


@contextmanager
def readable(path: Path | str) -> Iterator[None]:
    """Turn what the operating system says of ``path`` into one line that names it."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: must be readable, found: {error.strerror}") from error


def _memo(state: Known) -> Path:
    return cache_folder() / "fingerprints" / hashlib.sha256(json.dumps([1, *state]).encode()).hexdigest()


def _all_contents(entries: Sequence[Entry]) -> Iterable[bytes]:
    with ThreadPoolExecutor(num_threads()) as pool:
        yield from pool.map(_contents, (file.path for file in entries))


def _contents(path: str) -> bytes:
    with readable(path), Path(path).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()
