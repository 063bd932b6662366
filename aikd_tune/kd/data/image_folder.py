"""``image_folder``: ``train/<class>/`` and ``test/<class>/`` of image files, as most photograph sets are laid out.

``val`` is read in place of ``test`` where there is no ``test`` (where there are both, ``val`` is left alone: validation
images are drawn from the training part); a folder with ``train`` alone has no test part. A class is called as its
folder, its images lie anywhere below, and both are taken in order of name. Files whose suffix is not an image's, and
hidden ones, are left alone; images of formats that cannot be read, and images outside of a class folder, are refused.

Tiny-ImageNet as it is handed out is read too: its ``val`` holds all images in one folder, and ``val_annotations.txt``
with their classes; its ``test``, which has no labels, is left alone then.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from aikd_tune.errors import DataError
from aikd_tune.kd.data.classes import only_in
from aikd_tune.kd.data.decoded import PartName
from aikd_tune.kd.data.fingerprints import Entry, State, fingerprint, readable, state_of
from aikd_tune.kd.data.source import Source
from aikd_tune.kd.data.storage import Storage, storage_of
from aikd_tune.spec.fields import Data

# Raised when the same files mean something else than they did.
_KIND = "image_folder 1"

_READ = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_REFUSED = frozenset({".avif", ".cr2", ".dng", ".heic", ".heif", ".j2k", ".jp2", ".jxl", ".nef", ".psd", ".svg"})
_ANNOTATIONS = "val_annotations.txt"
_NAMED = 3  # of what was found, in a message


class Found(NamedTuple):
    """An image file: its name below the folder that was searched, its path and state."""

    name: str
    path: str
    state: State


def find(data: Data) -> Source:
    """The set at ``data.path``; raises DataError where there is none."""
    if data.path is None:
        raise DataError("data.path: image_folder needs a folder that holds train/<class>/ with images, found none")
    folders = _part_folders(Path(data.path).expanduser())
    parts = {part: _classes(folder) for part, folder in folders.items()}
    if "test" in parts:
        _check_same_classes(set(parts["train"]), set(parts["test"]), folders)
    class_names = tuple(parts["train"])
    files = {
        part: [(label, found) for label, name in enumerate(class_names) for found in classes[name]]
        for part, classes in parts.items()
    }
    entries = [
        Entry(f"{part}/{label}", found.path, found.state)
        for part, part_files in files.items()
        for label, found in part_files
    ]
    contents = fingerprint(_KIND, entries, class_names)
    paths = {part: [(found.path, label) for label, found in part_files] for part, part_files in files.items()}
    return Source(contents, partial(_decode, paths, class_names, storage_of(data), contents))


def _part_folders(root: Path) -> Mapping[PartName, Path]:
    with readable(root):
        if not root.is_dir():
            raise DataError(f"{root}: image_folder needs a folder that holds train/<class>/ with images, found none")
        if not (root / "train").is_dir():
            rule = "image_folder needs train/<class>/ (and test/<class>/ or val/<class>/ if it has a test split)"
            raise DataError(f"{root}: {rule}, found {_first_names(root)}")
        names = ("val",) if (root / "val" / _ANNOTATIONS).is_file() else ("test", "val")
        for name in names:
            if (root / name).is_dir():
                return {"train": root / "train", "test": root / name}
    return {"train": root / "train"}


def _classes(folder: Path) -> Mapping[str, list[Found]]:
    """The images of each class of a part, classes and images in order of name."""
    if (folder / _ANNOTATIONS).is_file():
        return _annotated_classes(folder)
    with readable(folder), os.scandir(folder) as scanned:
        below = [found for found in scanned if not _is_hidden(found.name)]
    for found in below:
        if not found.is_dir() and _suffix(found.name) in _READ | _REFUSED:
            raise DataError(f"{found.path}: an image must lie in the folder of its class, found it beside them")
    names = sorted(found.name for found in below if found.is_dir())
    if len(names) < 2:
        raise DataError(f"{folder}: needs a folder for each of two or more classes, found {_listed(names)}")
    classes = {name: sorted(_images(folder / name, "")) for name in names}
    for name, images in classes.items():
        if not images:
            raise DataError(f"{folder / name}: must hold images, found {_first_names(folder / name)}")
    return classes


def _annotated_classes(folder: Path) -> Mapping[str, list[Found]]:
    """The classes of images that lie in one folder, by the lines ``file<tab>class<tab>...`` of the annotations."""
    notes, images = folder / _ANNOTATIONS, folder / "images"
    with readable(notes):
        lines = [line.split("\t") for line in notes.read_text(encoding="utf-8", errors="replace").splitlines()]
    named = {line[0]: line[1] for line in lines if len(line) > 1}
    found = {image.name: image for image in sorted(_images(images, ""))}
    for name in found:
        if name not in named:
            raise DataError(f"{notes}: must name the class of every image, found none for {name}")
    for name in named:
        if name not in found:
            raise DataError(f"{images / name}: must be there as {notes} says, found nothing")
    classes: dict[str, list[Found]] = {name: [] for name in sorted(set(named.values()))}
    for name, image in found.items():
        classes[named[name]].append(image)
    return classes


def _check_same_classes(train: set[str], test: set[str], folders: Mapping[PartName, Path]) -> None:
    only_in(test - train, str(folders["test"]), str(folders["train"]))
    only_in(train - test, str(folders["train"]), str(folders["test"]))


def _images(folder: Path | str, above: str) -> Iterator[Found]:
    """Every image below ``folder``, in no order."""
    with readable(folder), os.scandir(folder) as scanned:
        below = [item for item in scanned if not _is_hidden(item.name)]
    for item in below:
        suffix = _suffix(item.name)
        if item.is_symlink():
            _check_link(item.path, folder)
        if item.is_dir():
            yield from _images(item.path, f"{above}{item.name}/")
        elif suffix in _REFUSED:
            raise DataError(f"{item.path}: an image must be one of {', '.join(sorted(_READ))}, found {suffix}")
        elif suffix in _READ:
            if not item.is_file() and os.path.exists(item.path):  # noqa: PTH110 - pathlib would take most of a warm start
                raise DataError(f"{item.path}: an image must be an ordinary file, found another kind")
            yield Found(f"{above}{item.name}", item.path, state_of(item))


def _check_link(link: str, folder: Path | str) -> None:
    """A link may lead anywhere that is there, but not to a folder around itself."""
    with readable(link):
        target = os.path.realpath(link, strict=True)
    if f"{os.path.realpath(folder)}{os.sep}".startswith(f"{target}{os.sep}"):
        raise DataError(f"{link}: a link must not lead to a folder around itself, found {target}")


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")  # a set has many files: pathlib would take most of a warm start
    return f".{suffix.lower()}" if dot and stem else ""


def _first_names(folder: Path) -> str:
    return _listed(sorted(found.name for found in folder.iterdir()))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) or "nothing"


def _decode(
    files: Mapping[PartName, Sequence[tuple[str, int]]],
    class_names: tuple[str, ...],
    storage: Storage,
    contents: str,
    folder: Path,
) -> None:
    from aikd_tune.kd.data.image_files import decode  # Pillow is needed to decode alone

    decode(files, class_names, storage, contents, folder)
