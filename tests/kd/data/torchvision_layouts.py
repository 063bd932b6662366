"""Writes small sets in the form in which torchvision's sets lie on disk, by the publishers' descriptions.

Each writer takes the root and a number of images a part, and returns what should be read: images and labels of the
training part and of the test part, images (n, H, W) or (n, H, W, 3) or, for photographs, None (JPEG changes them).
"""

import hashlib
import json
import pickle
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision.datasets as tvd
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from aikd_tune.errors import DataError
from aikd_tune.kd.data.describe import describe
from aikd_tune.spec.fields import Data

Part = tuple[NDArray[np.uint8] | None, list[int]]
Written = tuple[Part, Part]
DRAWS = np.random.default_rng(0)


def levels(*shape: int) -> NDArray[np.uint8]:
    return DRAWS.integers(0, 256, shape, dtype=np.uint8)


def photograph(path: Path, level: int, grey: bool = False) -> None:
    """One level everywhere (its JPEG keeps it within rounding), of a size of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (20 + level % 7, 24 + level % 5)
    Image.fromarray(np.full(shape if grey else (*shape, 3), level, np.uint8)).save(path)


def write_idx(root: Path, name: str) -> Written:
    parts = []
    for prefix, count in (("train", 20), ("t10k", 10)):
        images, labels = levels(count, 28, 28), [i % 10 for i in range(count)]
        folder = root / name / "raw"
        folder.mkdir(parents=True, exist_ok=True)
        header = struct.pack(">IIII", 0x00000803, count, 28, 28)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = struct.pack(">II", 0x00000801, count)
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(header + bytes(labels))
        parts.append((images, labels))
    return parts[0], parts[1]


def _cifar_batch(path: Path, labels: list[int], key: str) -> NDArray[np.uint8]:
    images = levels(len(labels), 32, 32, 3)
    rows = images.transpose(0, 3, 1, 2).reshape(len(labels), -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps({"data": rows, key: labels}, protocol=2))
    return images


def write_cifar(root: Path, num_classes: int) -> Written:
    folder = root / ("cifar-10-batches-py" if num_classes == 10 else "cifar-100-python")
    if num_classes == 10:
        names, test_name, key, meta, names_key = (
            [f"data_batch_{i}" for i in range(1, 6)],
            "test_batch",
            "labels",
            "batches.meta",
            "label_names",
        )
    else:
        names, test_name, key, meta, names_key = ["train"], "test", "fine_labels", "meta", "fine_label_names"
    labels = [(3 * i) % num_classes for i in range(20)]
    images = np.concatenate([_cifar_batch(folder / name, labels, key) for name in names])
    test = _cifar_batch(folder / test_name, labels[:10], key)
    (folder / meta).write_bytes(pickle.dumps({names_key: [f"class {i}" for i in range(num_classes)]}, protocol=2))
    return (images, labels * len(names)), (test, labels[:10])


def write_svhn(root: Path) -> Written:
    parts = []
    root.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 20), ("test", 10)):
        images, labels = levels(count, 32, 32, 3), [i % 10 for i in range(count)]
        on_disk = [10 if label == 0 else label for label in labels]  # the publishers' label of the digit 0
        y = np.array(on_disk, dtype=np.uint8)[:, None]
        savemat(root / f"{name}_32x32.mat", {"X": images.transpose(1, 2, 3, 0), "y": y})
        parts.append((images, labels))
    return parts[0], parts[1]


def write_stl10(root: Path) -> Written:
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    parts = []
    for name, count in (("train", 20), ("test", 10)):
        images, labels = levels(count, 96, 96, 3), [i % 10 for i in range(count)]
        (folder / f"{name}_X.bin").write_bytes(images.transpose(0, 3, 2, 1).tobytes())  # columns first
        (folder / f"{name}_y.bin").write_bytes(bytes(label + 1 for label in labels))
        parts.append((images, labels))
    (folder / "unlabeled_X.bin").write_bytes(b"")
    (folder / "class_names.txt").write_text("".join(f"name {i}\n" for i in range(10)))
    return parts[0], parts[1]


def write_flowers(root: Path) -> Written:
    folder = root / "flowers-102"
    labels = {number: (number * 7) % 102 for number in range(1, 13)}
    for number, label in labels.items():
        photograph(folder / f"jpg/image_{number:05d}.jpg", 2 * label, grey=number == 2)
    on_disk = np.array([labels[number] + 1 for number in sorted(labels)], dtype=np.uint8)
    savemat(folder / "imagelabels.mat", {"labels": on_disk[None]})
    train, val, test = [1, 4, 7], [2, 5], [3, 6, 8, 9, 10, 11, 12]
    savemat(folder / "setid.mat", {"trnid": np.array([train]), "valid": np.array([val]), "tstid": np.array([test])})
    return (None, [labels[number] for number in train + val]), (None, [labels[number] for number in test])


def write_aircraft(root: Path) -> Written:
    folder = root / "fgvc-aircraft-2013b/data"
    names = ["707-320", "A340 200", "Boeing 717"]
    parts = {"trainval": [0, 1, 2, 0], "test": [2, 1, 0]}
    number = 1_000_000
    for part, labels in parts.items():
        lines = []
        for label in labels:
            photograph(folder / f"images/{number}.jpg", 60 * label)
            lines.append(f"{number} {names[label]}\n")
            number += 1
        (folder / f"images_variant_{part}.txt").write_text("".join(lines))
    (folder / "variants.txt").write_text("".join(f"{name}\n" for name in names))
    return (None, parts["trainval"]), (None, parts["test"])


def write_cars(root: Path) -> Written:
    folder = root / "stanford_cars"
    (folder / "devkit").mkdir(parents=True)
    parts = {"train": [0, 1, 0, 1], "test": [1, 0]}
    files = {"train": "devkit/cars_train_annos.mat", "test": "cars_test_annos_withlabels.mat"}
    for part, labels in parts.items():
        kind = [("bbox_x1", "O"), ("class", "O"), ("fname", "O")]
        rows = np.array([(1, label + 1, f"{i + 1:05d}.jpg") for i, label in enumerate(labels)], dtype=kind)
        savemat(folder / files[part], {"annotations": rows})
        for i, label in enumerate(labels):
            photograph(folder / f"cars_{part}/{i + 1:05d}.jpg", 100 * label)
    names = np.array(["AM General Hummer SUV 2000", "Acura RL Sedan 2012"], dtype=object)
    savemat(folder / "devkit/cars_meta.mat", {"class_names": names})
    return (None, parts["train"]), (None, parts["test"])


def write_pets(root: Path) -> Written:
    folder = root / "oxford-iiit-pet"
    names = ["Abyssinian", "american_bulldog"]
    parts = {"trainval": [0, 1, 1], "test": [1, 0]}
    (folder / "annotations/trimaps").mkdir(parents=True)
    number = 1
    for part, labels in parts.items():
        lines = []
        for label in labels:
            photograph(folder / f"images/{names[label]}_{number}.jpg", 100 * label)
            lines.append(f"{names[label]}_{number} {label + 1} {label + 1} 1\n")
            number += 1
        (folder / f"annotations/{part}.txt").write_text("".join(lines))
    (folder / "images/Abyssinian_100.mat").write_bytes(b"left alone")
    return (None, parts["trainval"]), (None, parts["test"])


def write_textures(root: Path) -> Written:
    folder = root / "dtd/dtd"
    names = ["banded", "zigzagged"]
    (folder / "labels").mkdir(parents=True)
    parts = {"train": [0, 1], "val": [1, 0], "test": [0, 1, 1]}
    number = 1
    for part, labels in parts.items():
        lines = []
        for label in labels:
            name = f"{names[label]}/{names[label]}_{number:04d}.jpg"
            photograph(folder / "images" / name, 100 * label, grey=number == 1)
            lines.append(f"{name}\n")
            number += 1
        (folder / f"labels/{part}1.txt").write_text("".join(lines))
    return (None, [0, 1, 1, 0]), (None, parts["test"])


def write_food(root: Path) -> Written:
    folder = root / "food-101"
    names = ["apple_pie", "waffles"]
    (folder / "meta").mkdir(parents=True)
    for part, first in (("train", 100), ("test", 200)):
        listed: dict[str, list[str]] = {}
        for label, name in enumerate(names):
            listed[name] = [f"{name}/{first + 2 * i + label}" for i in range(2)]
            for entry in listed[name]:
                photograph(folder / f"images/{entry}.jpg", 100 * label)
        (folder / f"meta/{part}.json").write_text(json.dumps(listed))
    return (None, [0, 0, 1, 1]), (None, [0, 0, 1, 1])


WRITERS: Mapping[str, Callable[[Path], Written]] = {
    "MNIST": lambda root: write_idx(root, "MNIST"),
    "FashionMNIST": lambda root: write_idx(root, "FashionMNIST"),
    "KMNIST": lambda root: write_idx(root, "KMNIST"),
    "CIFAR10": lambda root: write_cifar(root, 10),
    "CIFAR100": lambda root: write_cifar(root, 100),
    "SVHN": write_svhn,
    "STL10": write_stl10,
    "Flowers102": write_flowers,
    "FGVCAircraft": write_aircraft,
    "StanfordCars": write_cars,
    "OxfordIIITPet": write_pets,
    "DTD": write_textures,
    "Food101": write_food,
}


def accept_checksums(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make torchvision expect the checksums of the files that were written, where it checks any."""

    def md5(path: Path) -> str:
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()

    kind: Any = getattr(tvd, name)
    if name in ("CIFAR10", "CIFAR100", "STL10"):
        folder = root / kind.base_folder
        for attribute in ("train_list", "test_list"):
            monkeypatch.setattr(kind, attribute, [[file, md5(folder / file)] for file, _ in getattr(kind, attribute)])
        if name != "STL10":
            monkeypatch.setattr(kind, "meta", kind.meta | {"md5": md5(folder / kind.meta["filename"])})
    if name == "SVHN":
        found = {
            part: [url, file, md5(root / file)] for part, (url, file, _) in kind.split_list.items() if part != "extra"
        }
        monkeypatch.setattr(kind, "split_list", kind.split_list | found)
    if name == "Flowers102":
        folder = root / "flowers-102"
        found = {
            key: (file, md5(folder / file)) for key, (file, _) in kind._file_dict.items() if (folder / file).is_file()
        }
        monkeypatch.setattr(kind, "_file_dict", kind._file_dict | found)


def at(name: str, root: Path, stored_size: int | None = None) -> Data:
    return Data(name=name, path=str(root), stored_size=stored_size)  # type: ignore[arg-type]


def refusal(data: Data) -> str:
    with pytest.raises(DataError) as caught:
        describe(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)
