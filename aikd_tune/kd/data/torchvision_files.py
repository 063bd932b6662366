"""torchvision's classification sets by name: their files on disk; no torchvision, so that a warm start is fast.

``data.path`` is the folder that torchvision calls root (default: ``torchvision`` in the cache folder). What is missing
there is downloaded where there is a network.
"""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from aikd_tune.kd.data.cache import cache_folder, locked
from aikd_tune.kd.data.fingerprints import Entry, entry, fingerprint, readable, state_of
from aikd_tune.kd.data.source import Source
from aikd_tune.spec.fields import Data

# Raised when the same files mean something else than they did.
_VERSION = 1


class Files(NamedTuple):
    """What a set is made of, below the root."""

    needed: tuple[str, ...]  # files
    images: tuple[str, ...] = ()  # folders of .jpg files, at most two levels deep
    unpacked: tuple[str, ...] = ()  # what of it torchvision takes for whole as soon as it is there


def _idx(name: str) -> Files:
    kinds = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    names = tuple(f"{name}/raw/{kind}-ubyte" for kind in kinds)
    return Files(names, unpacked=names)


def _below(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


FILES: Mapping[str, Files] = {
    "MNIST": _idx("MNIST"),
    "FashionMNIST": _idx("FashionMNIST"),
    "KMNIST": _idx("KMNIST"),
    "CIFAR10": Files(
        _below("cifar-10-batches-py", *(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")
    ),
    "CIFAR100": Files(_below("cifar-100-python", "train", "test", "meta")),
    "SVHN": Files(("train_32x32.mat", "test_32x32.mat")),
    "STL10": Files(_below("stl10_binary", "train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin", "class_names.txt")),
    "Flowers102": Files(_below("flowers-102", "setid.mat", "imagelabels.mat"), ("flowers-102/jpg",)),
    "FGVCAircraft": Files(
        _below("fgvc-aircraft-2013b/data", "variants.txt", "images_variant_trainval.txt", "images_variant_test.txt"),
        ("fgvc-aircraft-2013b/data/images",),
        ("fgvc-aircraft-2013b", "fgvc-aircraft-2013b.tar.gz"),  # its archive has no checksum
    ),
    "StanfordCars": Files(
        _below(
            "stanford_cars",
            "devkit/cars_train_annos.mat",
            "devkit/cars_meta.mat",
            "cars_test_annos_withlabels.mat",
        ),
        _below("stanford_cars", "cars_train", "cars_test"),
    ),
    "OxfordIIITPet": Files(
        _below("oxford-iiit-pet/annotations", "trainval.txt", "test.txt"),
        ("oxford-iiit-pet/images",),
        _below("oxford-iiit-pet", "annotations", "images"),
    ),
    "DTD": Files(_below("dtd/dtd/labels", "train1.txt", "val1.txt", "test1.txt"), ("dtd/dtd/images",), ("dtd/dtd",)),
    "Food101": Files(_below("food-101/meta", "train.json", "test.json"), ("food-101/images",), ("food-101",)),
}


def find(data: Data) -> Source:
    """The set called ``data.name``, downloaded if need be; raises DataError where it cannot be had."""
    root = cache_folder() / "torchvision" if data.path is None else Path(data.path).expanduser()
    files = FILES[data.name]
    if missing(root, files) or cut_off_marker(root, data.name).exists():
        with locked(f"download-{data.name}"):
            if missing(root, files) or cut_off_marker(root, data.name).exists():
                from aikd_tune.kd.data.torchvision_download import download

                download(data.name, root, files)
    contents = fingerprint(f"torchvision {data.name} {_VERSION}", list(_entries(root, files)))
    return Source(contents, partial(_decode, data, root, contents))


def missing(root: Path, files: Files) -> list[str]:
    """What of the set is not below ``root``."""
    absent = [name for name in files.needed if not (root / name).is_file()]
    return absent + [f"{name}/" for name in files.images if not (root / name).is_dir()]


def cut_off_marker(root: Path, name: str) -> Path:
    """A file that is there while a set is downloaded, and stays where that is cut off."""
    return root / f".{name}.downloading"


def _entries(root: Path, files: Files) -> Iterator[Entry]:
    for name in files.needed:
        yield entry(name, root / name)
    for folder in files.images:
        yield from sorted(_images(root / folder, folder, depth=2))


def _images(folder: Path | str, name: str, depth: int) -> Iterator[Entry]:
    with readable(folder), os.scandir(folder) as scanned:
        below = list(scanned)
    for item in below:
        if item.is_dir() and depth > 1:
            yield from _images(item.path, f"{name}/{item.name}", depth - 1)
        elif item.name.endswith(".jpg") and not item.name.startswith("."):
            yield Entry(f"{name}/{item.name}", item.path, state_of(item))


def _decode(data: Data, root: Path, contents: str, folder: Path) -> None:
    from aikd_tune.kd.data.torchvision_sets import decode  # torchvision is slow to import, and needed to decode alone

    decode(data.name, root, data.stored_size, contents, folder)
