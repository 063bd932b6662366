"""``parquet_images``: the layout of public hub exports, decoded into uint8 arrays.

Columns: ``img`` or ``image``, struct<bytes, path>, and ``label`` or ``fine_label``, whole numbers; class names, where
there are any, in the ``huggingface`` schema metadata.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from aikd_tune.errors import DataError
from aikd_tune.kd.data.blocks import Encoded, decoded_blocks
from aikd_tune.kd.data.classes import check_same_classes, first_outside
from aikd_tune.kd.data.decoded import Labels, PartName, PartToWrite, write_set
from aikd_tune.kd.data.image_bytes import Form, form_of, quiet_decoder
from aikd_tune.kd.data.parquet_columns import Columns, read_columns
from aikd_tune.kd.data.storage import Storage


@quiet_decoder()
def decode(parts: Mapping[PartName, list[Path]], storage: Storage, fingerprint: str, folder: Path) -> None:
    """Write the decoded set into ``folder`` (see ``decoded``); raises DataError naming the file, and the row if any.

    The first image of the training part says whether the set is grey, and gives the size where none is set.
    """
    columns = {part: [read_columns(file) for file in files] for part, files in parts.items()}
    every = [column for part in columns.values() for column in part]
    class_names = _class_names(every)
    for column in every:
        _check_range(column, class_names)
    labels = {part: np.concatenate([column.labels for column in found]) for part, found in columns.items()}
    form = _first_form(columns["train"], storage)
    if "test" in labels:
        _check_test(labels["train"], labels["test"], class_names, parts)
    written = {part: PartToWrite(labels[part], decoded_blocks(_images(columns[part]), form)) for part in columns}
    write_set(folder, written, form.shape, class_names, fingerprint)


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
    row = first_outside(column.labels, len(class_names))
    if row is not None:
        raise DataError(
            f"{column.file}: row {row}: {column.label_name} must be from 0 to {len(class_names) - 1}, "
            f"found {column.labels[row]}"
        )


def _check_test(
    train: Labels, test: Labels, class_names: tuple[str, ...], parts: Mapping[PartName, list[Path]]
) -> None:
    if not len(test):
        raise DataError(f"{parts['test'][0]}: the test part must hold images, found 0 rows")
    check_same_classes(train, test, class_names, f"{parts['train'][0]}", f"{parts['test'][0]}")


def _first_form(columns: list[Columns], storage: Storage) -> Form:
    for column in columns:
        for image in _images([column]):
            return form_of(image.content, storage, image.where)
    raise DataError(f"{columns[0].file}: the training part must hold images, found 0 rows")


def _images(columns: list[Columns]) -> Iterator[Encoded]:
    for column in columns:
        row = 0
        for contents in column.image_bytes():
            for content in contents:
                yield Encoded(f"{column.file}: row {row}", content)
                row += 1
