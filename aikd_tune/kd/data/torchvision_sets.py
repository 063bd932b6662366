"""torchvision's classification sets: which of their splits train and test, read by torchvision's own classes.

The parts are those that results are published on; validation images are drawn from the training part, so a set's own
validation split belongs to it.

========================= ================================================ ==================
set                       training part                                    test part
========================= ================================================ ==================
MNIST, FashionMNIST,      train                                            test
KMNIST, CIFAR10, CIFAR100
SVHN                      train (without extra)                            test
STL10                     train (labelled images alone)                    test
Flowers102                train and val: 2,040 images                      test: 6,149
FGVCAircraft              trainval, 100 variants: 6,667                    test: 3,333
StanfordCars              train                                            test, with labels
OxfordIIITPet             trainval, 37 breeds: 3,680                       test: 3,669
DTD                       train and val of the first partition: 3,760      its test: 1,880
Food101                   train                                            test
========================= ================================================ ==================

The few grey photographs among coloured ones are repeated over three channels, as torchvision does.
"""

from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torchvision import datasets

from aikd_tune.errors import DataError
from aikd_tune.kd.data import image_files
from aikd_tune.kd.data.arrays import array_blocks, stored_shape
from aikd_tune.kd.data.classes import first_outside
from aikd_tune.kd.data.decoded import Images, Labels, PartName, PartToWrite, write_set
from aikd_tune.kd.data.image_files import LabelledFile
from aikd_tune.kd.data.storage import Storage

_TRAIN, _TEST = {"train": True}, {"train": False}
_SPLITS: Mapping[str, Mapping[PartName, tuple[dict[str, Any], ...]]] = {
    **{
        name: {"train": (_TRAIN,), "test": (_TEST,)}
        for name in ("MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100")
    },
    **{
        name: {"train": ({"split": "train"},), "test": ({"split": "test"},)}
        for name in ("SVHN", "STL10", "StanfordCars", "Food101")
    },
    **{
        name: {"train": ({"split": "trainval"},), "test": ({"split": "test"},)}
        for name in ("FGVCAircraft", "OxfordIIITPet")
    },
    **{
        name: {"train": ({"split": "train"}, {"split": "val"}), "test": ({"split": "test"},)}
        for name in ("Flowers102", "DTD")
    },
}


class _Arrays(NamedTuple):
    images: Images  # (n, C, H, W)
    labels: Labels


def open_split(name: str, root: Path, arguments: Mapping[str, Any], download: bool = False) -> Any:
    """torchvision's data set of one split; what it prints is swallowed, what it raises is not.

    Where images are files, an item is the file's path and its label: decoding is ours.
    """
    paths = {"loader": _as_path} if name in ("Flowers102", "FGVCAircraft", "StanfordCars", "DTD", "Food101") else {}
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        return getattr(datasets, name)(str(root), download=download, **paths, **arguments)


def splits(name: str) -> list[dict[str, Any]]:
    """The arguments of torchvision's class for each split that makes up a set."""
    return [arguments for part in _SPLITS[name].values() for arguments in part]


def decode(name: str, root: Path, stored_size: int | None, fingerprint: str, folder: Path) -> None:
    """Write the decoded set into ``folder`` (see ``decoded``); raises DataError naming the file or the root."""
    opened: dict[PartName, list[Any]] = {}
    for part, every in _SPLITS[name].items():
        try:
            opened[part] = [open_split(name, root, arguments) for arguments in every]
        except Exception as error:  # torchvision and the readers below it raise errors of many kinds
            found = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise DataError(
                f"{root}: the files of {name} must be as they were published; remove them to have them downloaded "
                f"anew, found {found}"
            ) from error
    class_names = _class_names(name, root, opened)
    reader = _ARRAYS.get(name)
    if reader is None:
        _decode_files(name, root, opened, class_names, stored_size, fingerprint, folder)
        return
    arrays = {part: reader(datasets_of_part[0]) for part, datasets_of_part in opened.items()}
    for part, found_part in arrays.items():
        _check(name, root, part, found_part.labels, len(class_names), len(found_part.images))
    shape = arrays["train"].images.shape[1:]
    written = {
        part: PartToWrite(found_part.labels, array_blocks(found_part.images, stored_size))
        for part, found_part in arrays.items()
    }
    write_set(folder, written, stored_shape((shape[0], shape[1], shape[2]), stored_size), class_names, fingerprint)


def _decode_files(
    name: str,
    root: Path,
    opened: Mapping[PartName, list[Any]],
    class_names: tuple[str, ...],
    stored_size: int | None,
    fingerprint: str,
    folder: Path,
) -> None:
    parts = {part: [file for split in every for file in _files(split)] for part, every in opened.items()}
    for part, files in parts.items():
        labels = np.array([label for _, label in files], dtype=np.int64)
        _check(name, root, part, labels, len(class_names), len(files))
    image_files.decode(parts, class_names, Storage(stored_size, "rgb"), fingerprint, folder)


def _class_names(name: str, root: Path, opened: Mapping[PartName, list[Any]]) -> tuple[str, ...]:
    every = [tuple(getattr(split, "classes", "0123456789")) for splits in opened.values() for split in splits]
    for class_names in every:
        if class_names != every[0]:
            raise DataError(f"{root}: every split of {name} must have the same classes, found others in one of them")
    return every[0]


def _files(split: Any) -> list[LabelledFile]:
    if isinstance(split, datasets.OxfordIIITPet):  # takes no loader: its items are images that do not name their files
        return [(str(path), int(label)) for path, label in zip(split._images, split._labels, strict=True)]
    return [(str(path), int(label)) for path, label in (split[i] for i in range(len(split)))]


def _as_path(path: str | Path) -> str:
    return str(path)


def _check(name: str, root: Path, part: str, labels: Labels, num_classes: int, num_images: int) -> None:
    if not num_images or num_images != len(labels):
        raise DataError(
            f"{root}: {part} of {name} must hold images with a label each, found {num_images} and {len(labels)}"
        )
    row = first_outside(labels, num_classes)
    if row is not None:
        rule = f"label {row} of the {part} part must be from 0 to {num_classes - 1}"
        raise DataError(f"{root}: {name}: {rule}, found {labels[row]}")


def _mnist(split: Any) -> _Arrays:
    return _Arrays(split.data.numpy()[:, None], split.targets.numpy())


def _cifar(split: Any) -> _Arrays:
    return _Arrays(split.data.transpose(0, 3, 1, 2), np.array(split.targets, dtype=np.int64))


def _channels_first(split: Any) -> _Arrays:
    return _Arrays(split.data, split.labels.astype(np.int64))


_ARRAYS: Mapping[str, Callable[[Any], _Arrays]] = {
    "MNIST": _mnist,
    "FashionMNIST": _mnist,
    "KMNIST": _mnist,
    "CIFAR10": _cifar,
    "CIFAR100": _cifar,
    "SVHN": _channels_first,
    "STL10": _channels_first,
}
