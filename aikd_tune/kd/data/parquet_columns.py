"""The two columns of a Parquet file of images: labels at once, the bytes of images a few hundred at a time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aikd_tune.errors import DataError
from aikd_tune.kd.data.decoded import Labels

_IMAGE_NAMES = ("img", "image")
_LABEL_NAMES = ("label", "fine_label")
_ROWS_AT_A_TIME = 512


@dataclass(frozen=True)
class Columns:
    """Labels of one file, the names of their classes if the file gives them, and the way to its images."""

    file: Path
    image_name: str
    label_name: str
    labels: Labels  # (n,)
    class_names: tuple[str, ...] | None

    def image_bytes(self) -> Iterator[list[bytes]]:
        """The encoded images in order, in lists of at most a few hundred; no empty lists."""
        with _reading(self.file), pq.ParquetFile(self.file) as parquet:
            for batch in parquet.iter_batches(_ROWS_AT_A_TIME, columns=[f"{self.image_name}.bytes"]):
                if batch.num_rows:
                    yield batch.column(0).field("bytes").to_pylist()


def read_columns(file: Path) -> Columns:
    """Find the columns of ``file`` and read its labels; raises DataError for a file of another layout."""
    with _reading(file), pq.ParquetFile(file) as parquet:
        schema = parquet.schema_arrow
        image_name = _find(file, schema, _IMAGE_NAMES)
        label_name = _find(file, schema, _LABEL_NAMES)
        image_type, label_type = schema.field(image_name).type, schema.field(label_name).type
        if not _holds_bytes(image_type):
            raise DataError(
                f"{file}: column {image_name} must be struct<bytes: binary, path: string>, found {image_type}"
            )
        if not pa.types.is_integer(label_type):
            raise DataError(f"{file}: column {label_name} must hold whole numbers, found {label_type}")
        column = parquet.read(columns=[label_name]).column(0)
        if column.null_count:
            raise DataError(
                f"{file}: column {label_name} must have a label in every row, found {column.null_count} nulls"
            )
        labels = column.to_numpy().astype(np.int64)
        return Columns(file, image_name, label_name, labels, _class_names(file, schema.metadata or {}, label_name))


def _find(file: Path, schema: pa.Schema, names: tuple[str, ...]) -> str:
    for name in names:
        if name in schema.names:
            return name
    raise DataError(f"{file}: needs a column {' or '.join(names)}, found {', '.join(schema.names) or 'no columns'}")


def _holds_bytes(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    content = kind.field("bytes").type
    return bool(pa.types.is_binary(content) or pa.types.is_large_binary(content))


def _class_names(file: Path, metadata: dict[bytes, bytes], label_name: str) -> tuple[str, ...] | None:
    """Class names of the label column in the metadata that the hub's ``datasets`` library writes."""
    if b"huggingface" not in metadata:
        return None
    try:
        feature = json.loads(metadata[b"huggingface"])["info"]["features"][label_name]
        names = feature.get("names")
        return None if names is None else tuple(str(name) for name in names)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{file}: huggingface metadata must be JSON with info.features.{label_name}, found another form"
        ) from error


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        found = str(error).partition("\n")[0]
        raise DataError(f"{file}: must be a whole, readable Parquet file, found: {found}") from error
