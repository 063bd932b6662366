"""The files of one decoded set: facts.json, and images and labels of each part as .npy.

Written in order, block by block, so that a set larger than memory can be decoded; read by memory mapping.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from aikd_tune.errors import DataError
from aikd_tune.kd.data.cache import check_space
from aikd_tune.spec.facts import DataFacts

# Raised when these files change their form, so that folders of another form are never opened.
LAYOUT = 1

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
PartName = Literal["train", "test"]


@dataclass(frozen=True)
class PartToWrite:
    """One part of a set: its labels, and its images as they are decoded, in the same order."""

    labels: Labels  # (n,)
    blocks: Iterable[Images]  # (n_i, C, H, W) each, n together


def write_set(
    folder: Path,
    parts: Mapping[PartName, PartToWrite],
    shape: tuple[int, int, int],
    class_names: tuple[str, ...],
    fingerprint: str,
) -> None:
    """Write a set into ``folder`` of the cache; ``shape`` (C, H, W) is that of every image.

    Raises DataError before anything is decoded where the disk has no room for it.
    """
    check_space(folder, sum(len(part.labels) * (prod(shape) + 8) for part in parts.values()))
    for name, part in parts.items():
        prefix = "" if name == "train" else f"{name}_"
        write_labels(folder / f"{prefix}labels.npy", part.labels)
        write_images(folder / f"{prefix}images.npy", part.blocks, (len(part.labels), *shape))
    facts = DataFacts(
        num_images=len(parts["train"].labels),
        num_test=len(parts["test"].labels) if "test" in parts else None,
        num_classes=len(class_names),
        image_shape=shape,
        fingerprint=fingerprint,
        class_names=class_names,
    )
    write_facts(folder, facts)


def write_images(path: Path, blocks: Iterable[Images], shape: tuple[int, ...]) -> None:
    """Write blocks of uint8 images, (n_i, C, H, W) each, as one .npy array of ``shape`` (n, C, H, W)."""
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            # Plain writes and no writable memory map: a full disk is then an error and not a bus error.
            file.write(np.ascontiguousarray(block).data)


def write_labels(path: Path, labels: Labels) -> None:
    """Write int64 labels (n,)."""
    np.save(path, labels, allow_pickle=False)


def write_facts(folder: Path, facts: DataFacts) -> None:
    """Write the facts of a decoded set."""
    (folder / "facts.json").write_text(json.dumps(asdict(facts)), encoding="utf-8")


def read_facts(folder: Path) -> DataFacts:
    """Read the facts of a decoded set."""
    try:
        fields: dict[str, Any] = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        fields["image_shape"] = tuple(fields["image_shape"])
        fields["class_names"] = tuple(fields["class_names"])
        return DataFacts(**fields)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder / "facts.json") from error


def read_images(path: Path, shape: tuple[int, ...]) -> Images:
    """Memory-map uint8 images of ``shape`` (n, C, H, W), read-only."""
    return _checked(path, shape, np.dtype(np.uint8), mmap_mode="r")


def read_labels(path: Path, num_images: int) -> Labels:
    """Read int64 labels (n,)."""
    return _checked(path, (num_images,), np.dtype(np.int64), mmap_mode=None)


def _checked(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], mmap_mode: Any) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise _damaged(path) from error
    if array.shape != shape or array.dtype != dtype:
        raise _damaged(path)
    return array


def _damaged(path: Path) -> DataError:
    return DataError(f"{path}: this file of the decoded set is damaged; delete {path.parent} and run again")
