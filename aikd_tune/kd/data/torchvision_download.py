"""Have torchvision download a set; where that cannot be, one line says where files are looked for and how to get them.

A set without a network is told from one with it in seconds: torchvision itself waits for a mirror as long as the
system does.
"""

import shutil
import socket
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from torchvision import datasets

from aikd_tune.errors import DataError
from aikd_tune.kd.data.torchvision_files import Files, cut_off_marker, missing
from aikd_tune.kd.data.torchvision_sets import open_split, splits

_PROBE_S = 5.0
_STALLED_S = 30.0  # without a byte from a mirror


def download(name: str, root: Path, files: Files) -> None:
    """Download the set into ``root``; raises DataError where that fails. For the holder of the cache's lock alone."""
    if name == "StanfordCars":
        raise DataError(
            f"{root}: StanfordCars cannot be downloaded any more; expected here are stanford_cars/cars_train/*.jpg, "
            f"stanford_cars/cars_test/*.jpg, {', '.join(files.needed)}, found no {missing(root, files)[0]}"
        )
    marker = cut_off_marker(root, name)
    _clear_cut_off(root, files, marker)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(name, root, f"the folder cannot be made ({error.strerror})") from error
    hosts = mirrors(getattr(datasets, name))
    if hosts and not _proxied() and not _has_archive(root, files) and not any_reachable(hosts):
        raise _refusal(name, root, f"no connection to {hosts[0][0]}")
    # torchvision takes some sets for whole as soon as their folder is there. What was there before is the user's.
    is_ours = not any((root / unpacked).exists() for unpacked in files.unpacked)
    try:
        if is_ours:
            marker.touch()
        print(f"downloading {name} into {root}", file=sys.stderr)
        with _impatient():
            for arguments in splits(name):
                open_split(name, root, arguments, download=True)
    except Exception as error:  # torchvision and the readers below it raise errors of many kinds
        _clear_cut_off(root, files, marker)
        raise _refusal(name, root, f"{type(error).__name__}: {error}".partition("\n")[0]) from error
    marker.unlink(missing_ok=True)
    absent = missing(root, files)
    if absent:
        raise _refusal(name, root, f"no {absent[0]} in what was there or came")


def mirrors(kind: type[Any]) -> list[tuple[str, int]]:
    """Host and port of every address in the attributes of one of torchvision's classes, in their order."""
    found: dict[tuple[str, int], None] = {}
    for owner in kind.__mro__:
        for address in _texts(list(vars(owner).values())):
            parts = urlsplit(address) if address.startswith(("http://", "https://")) else None
            if parts is not None and parts.hostname and " " not in address:
                found[parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)] = None
        if found:
            break  # a class that overrides the addresses of the one that it extends
    return list(found)


def any_reachable(hosts: Iterable[tuple[str, int]]) -> bool:
    """Whether one of the hosts takes a connection within seconds; looking up a name may hang, so not in this thread."""
    answers: list[bool] = []

    def connect(host: tuple[str, int]) -> None:
        try:
            socket.create_connection(host, timeout=_PROBE_S).close()
        except OSError:
            return
        answers.append(True)

    threads = [Thread(target=connect, args=(host,), daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(0 if answers else _PROBE_S)
    return bool(answers)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))


def _has_archive(root: Path, files: Files) -> bool:
    """Whether an archive was brought here, which torchvision unpacks without a network."""
    folders = {
        root,
        *((root / name).parent for name in files.needed),
        *(root / Path(name).parts[0] for name in files.needed),
    }
    return any(path.suffix in (".gz", ".tgz") for folder in folders if folder.is_dir() for path in folder.iterdir())


def _proxied() -> bool:
    return bool(urllib.request.getproxies())


@contextmanager
def _impatient() -> Iterator[None]:
    """Give up on a mirror that stops sending; torchvision sets no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STALLED_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _clear_cut_off(root: Path, files: Files, marker: Path) -> None:
    """Remove what a download of ours has left unfinished; nothing of what was there before it."""
    if not marker.exists():
        return
    for name in files.unpacked:
        path = root / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    marker.unlink(missing_ok=True)


def _refusal(name: str, root: Path, found: str) -> DataError:
    # The parts of SVHN are separate downloads; every other set comes whole whichever part is asked for.
    each = ["split='train', ", "split='test', "] if name == "SVHN" else [""]
    calls = "; ".join(f"{name}('torchvision', {split}download=True)" for split in each)
    return DataError(
        f"{root}: {name} is not here and could not be downloaded (on a machine with a network run "
        f'python -c "from torchvision.datasets import {name}; {calls}" and copy what is in its folder torchvision to '
        f"here), found {found}"
    )
