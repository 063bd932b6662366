"""What a function of the user's own returns, checked, and written into the cache as any set is."""

import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aikd_tune.errors import DataError, UserError
from aikd_tune.kd.data.arrays import array_blocks, stored_shape
from aikd_tune.kd.data.blocks import images_a_block
from aikd_tune.kd.data.classes import check_same_classes, first_outside
from aikd_tune.kd.data.decoded import Images, Labels, PartName, PartToWrite, write_set
from aikd_tune.kd.own_code import described, load_function
from aikd_tune.spec.fields import Data

_CHANNELS = (1, 3)


@dataclass(frozen=True)
class OwnPart:
    """One part as the function returned it, images (n, C, H, W)."""

    images: Images
    labels: Labels  # (n,)


@dataclass(frozen=True)
class OwnArrays:
    """All that the function returned."""

    parts: Mapping[PartName, OwnPart]
    class_names: tuple[str, ...]


def call(data: Data) -> OwnArrays:
    """Call the function of ``data.name``; raises DataError, one line, for whatever goes wrong."""
    try:
        function = load_function(data.name)
    except UserError as error:
        raise DataError(str(error)) from error
    arguments = _arguments(function, data)
    try:
        returned = function(**arguments)
    except (Exception, SystemExit) as error:  # it is the user's: it may raise anything, or leave
        raise DataError(f"{data.name}: must return a data set, found {described(error)}") from error
    return checked(returned, data)


def checked(returned: object, data: Data) -> OwnArrays:
    """What the function returned, in the form of OwnArrays; raises DataError where it cannot be used."""
    name = data.name
    if not isinstance(returned, Mapping) or not {"train"} <= set(returned) <= {"train", "test", "classes"}:
        rule = "must return a mapping of train (and test, and classes, if there are any)"
        found = ", ".join(map(str, returned)) if isinstance(returned, Mapping) else type(returned).__name__
        raise DataError(f"{name}: {rule}, found {found or 'an empty one'}")
    parts: dict[PartName, OwnPart] = {"train": _part(returned["train"], f"{name}: train")}
    if returned.get("test") is not None:
        parts["test"] = _part(returned["test"], f"{name}: test")
    class_names = _class_names(returned.get("classes"), parts, name)
    for part_name, part in parts.items():
        row = first_outside(part.labels, len(class_names))
        if row is not None:
            rule = f"label {row} must be from 0 to {len(class_names) - 1}"
            raise DataError(f"{name}: {part_name}: {rule}, found {part.labels[row]}")
    if "test" in parts:
        _check_test(parts["train"], parts["test"], class_names, data)
    return OwnArrays(parts, class_names)


def fingerprint(arrays: OwnArrays) -> str:
    """SHA-256 of the images and labels of all parts and of the class names."""
    total = hashlib.sha256(json.dumps(["own", 1, arrays.class_names]).encode())
    for name, part in arrays.parts.items():
        total.update(json.dumps([name, part.images.shape]).encode())
        size = images_a_block(_shape(part.images))
        for start in range(0, len(part.images), size):
            total.update(np.ascontiguousarray(part.images[start : start + size]).data)
        total.update(part.labels.astype("<i8").tobytes())
    return total.hexdigest()


def write(arrays: OwnArrays, stored_size: int | None, contents: str, folder: Path) -> None:
    """Write the set into ``folder`` (see ``decoded``)."""
    written = {
        name: PartToWrite(part.labels, array_blocks(part.images, stored_size)) for name, part in arrays.parts.items()
    }
    shape = stored_shape(_shape(arrays.parts["train"].images), stored_size)
    write_set(folder, written, shape, arrays.class_names, contents)


def _arguments(function: Any, data: Data) -> dict[str, str]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise DataError(f"{data.name}: must be a function with a signature, found {described(error)}") from error
    empty, variable = inspect.Parameter.empty, (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [
        name
        for name, parameter in parameters.items()
        if name != "path" and parameter.default is empty and parameter.kind not in variable
    ]
    takes_path = "path" in parameters and parameters["path"].kind is not inspect.Parameter.POSITIONAL_ONLY
    if needed or (not takes_path and "path" in parameters):
        found = inspect.signature(function)
        raise DataError(f"{data.name}: must be callable with path alone or with nothing, found {found}")
    if data.path is not None and not takes_path:
        raise DataError(f"data.path: {data.name} has no parameter path to give it to, found {data.path}")
    if data.path is None and takes_path and parameters["path"].default is empty:
        raise DataError(f"data.path: {data.name} needs a path, found none")
    if data.path is None:
        return {}
    # Only the home folder is written out: what is given may be an address of any kind, and no path.
    return {"path": str(Path(data.path).expanduser()) if data.path.startswith("~") else data.path}


def _part(given: object, where: str) -> OwnPart:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise DataError(f"{where}: must be images and labels, found {type(given).__name__}")
    images, labels = _array(given[0], f"{where}: images"), _array(given[1], f"{where}: labels")
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise DataError(
            f"{where}: images must be uint8 of (n, H, W), (n, H, W, C) or (n, C, H, W), found {_form(images)}"
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1:
        raise DataError(f"{where}: labels must be whole numbers of (n,), found {_form(labels)}")
    if len(images) != len(labels):
        raise DataError(f"{where}: must have a label for every image, found {len(images)} and {len(labels)}")
    if not images.size:
        raise DataError(f"{where}: must hold images, found {_form(images)}")
    return OwnPart(_channels_first(images, where), labels.astype(np.int64))


def _channels_first(images: Images, where: str) -> Images:
    if images.ndim == 3:
        return images[:, None]
    first, last = images.shape[1] in _CHANNELS, images.shape[3] in _CHANNELS
    if first == last:
        found = "both" if first else "neither"
        raise DataError(f"{where}: images must have 1 or 3 channels, first or last, found {found} ({_form(images)})")
    return images if first else images.transpose(0, 3, 1, 2)


def _class_names(given: object, parts: Mapping[PartName, OwnPart], name: str) -> tuple[str, ...]:
    if given is None:
        # Without names a stray label would ask for a network with that many outputs.
        largest, limit = (max(int(part.labels.max()) for part in parts.values()), sum(map(_num_images, parts.values())))
        if largest >= limit:
            raise DataError(
                f"{name}: labels must be below the number of images ({limit}) where no classes are given, "
                f"found {largest}"
            )
        return tuple(str(label) for label in range(largest + 1))
    if isinstance(given, str) or not isinstance(given, tuple | list) or not all(isinstance(n, str) for n in given):
        raise DataError(f"{name}: classes must be names in a list or tuple, found {type(given).__name__}")
    return tuple(given)


def _check_test(train: OwnPart, test: OwnPart, class_names: tuple[str, ...], data: Data) -> None:
    shapes = _shape(train.images), _shape(test.images)
    same = shapes[0] == shapes[1] if data.stored_size is None else shapes[0][0] == shapes[1][0]
    if not same:
        raise DataError(f"{data.name}: test: images must have the (C, H, W) of train {shapes[0]}, found {shapes[1]}")
    check_same_classes(train.labels, test.labels, class_names, f"{data.name}: train", f"{data.name}: test")


def _num_images(part: OwnPart) -> int:
    return len(part.images)


def _shape(images: Images) -> tuple[int, int, int]:
    return (images.shape[1], images.shape[2], images.shape[3])


def _array(given: object, where: str) -> NDArray[Any]:
    try:
        return np.asarray(given)
    except Exception as error:  # what a user's object answers to numpy is up to it
        raise DataError(f"{where}: must be an array, found {described(error)}") from error


def _form(array: NDArray[Any]) -> str:
    return f"{array.dtype} of {array.shape}"
