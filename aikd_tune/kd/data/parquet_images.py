"""``parquet_images``: the layout of public hub exports, decoded into uint8 arrays.

Columns: ``img`` or ``image``, struct<bytes, path>, and ``label`` or ``fine_label``, whole numbers; class names, where
there are any, in the ``huggingface`` schema metadata. All images have one size.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aikd_tune.errors import DataError
from aikd_tune.kd.data.decoded import Images, write_facts, write_images, write_labels
from aikd_tune.kd.data.image_bytes import decode_image, shape_of
from aikd_tune.kd.data.parquet_columns import Columns, read_columns
from aikd_tune.spec.facts import DataFacts


def decode(parts: dict[str, list[Path]], fingerprint: str, folder: Path) -> None:
    """Write the decoded set into ``folder`` (see ``decoded``); raises DataError naming the file, and the row if any.

    The first image of the training part gives the shape that all images must have.
    """
    columns = {part: [read_columns(file) for file in files] for part, files in parts.items()}
    every = [column for part in columns.values() for column in part]
    class_names = _class_names(every)
    for column in every:
        _check_range(column, class_names)
    shape = _first_shape(columns["train"], parts["train"])
    sizes = {}
    for part, part_columns in columns.items():
        prefix = "" if part == "train" else f"{part}_"
        labels = np.concatenate([column.labels for column in part_columns])
        blocks = (block for column in part_columns for block in _blocks(column, shape))
        write_labels(folder / f"{prefix}labels.npy", labels)
        write_images(folder / f"{prefix}images.npy", blocks, (len(labels), *shape))
        sizes[part] = len(labels)
    facts = DataFacts(
        num_images=sizes["train"],
        num_test=sizes.get("test"),
        num_classes=len(class_names),
        image_shape=shape,
        fingerprint=fingerprint,
        class_names=class_names,
    )
    write_facts(folder, facts)


def _class_names(columns: list[Columns]) -> tuple[str, ...]:
    """Names from the metadata of the files; without any, the numbers from 0 to the largest label."""
    first = columns[0]
    for column in columns:
        if column.class_names != first.class_names:
            raise DataError(f"{column.file}: class names must be those of {first.file}, found others")
    if first.class_names is not None:
        return first.class_names
    # Without names a stray label would ask for a network with that many outputs.
    limit = sum(len(column.labels) for column in columns)
    for column in columns:
        if len(column.labels) and column.labels.max() >= limit:
            raise DataError(
                f"{column.file}: {column.label_name} must be below the number of images ({limit}) where no class "
                f"names are given, found {column.labels.max()}"
            )
    return tuple(str(label) for label in range(1 + max(int(column.labels.max(initial=0)) for column in columns)))


def _check_range(column: Columns, class_names: tuple[str, ...]) -> None:
    outside = (column.labels < 0) | (column.labels >= len(class_names))
    if outside.any():
        row = int(outside.argmax())
        raise DataError(
            f"{column.file}: row {row}: {column.label_name} must be from 0 to {len(class_names) - 1}, "
            f"found {column.labels[row]}"
        )


def _first_shape(columns: list[Columns], files: list[Path]) -> tuple[int, int, int]:
    for column in columns:
        for contents in column.image_bytes():
            return shape_of(contents[0], f"{column.file}: row 0")
    raise DataError(f"{files[0]}: the training part must hold images, found 0 rows")


def _blocks(column: Columns, shape: tuple[int, int, int]) -> Iterator[Images]:
    row = 0
    for contents in column.image_bytes():
        block = np.empty((len(contents), *shape), dtype=np.uint8)
        for i, content in enumerate(contents):
            block[i] = decode_image(content, shape, f"{column.file}: row {row + i}")
        row += len(contents)
        yield block
