"""Writes small Parquet image sets in the layout of public hub exports."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image


def encode(levels: NDArray[np.uint8], form: str = "PNG") -> bytes:
    """Bytes of an image given as (H, W) grey or (H, W, 3) colour levels."""
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, form)
    return buffer.getvalue()


def write_parquet(
    path: Path,
    contents: Sequence[bytes | None],
    labels: Sequence[int | str | None],
    image_name: str = "img",
    label_name: str = "label",
    class_names: Sequence[str] | None = None,
    metadata: bytes | None = None,
    label_type: Any = None,
    row_group_size: int | None = None,
) -> Path:
    images = pa.array(
        [{"bytes": content, "path": None} for content in contents],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    table = pa.table({image_name: images, label_name: pa.array(labels, label_type or pa.int64())})
    if class_names is not None:
        features = {image_name: {"_type": "Image"}, label_name: {"names": list(class_names), "_type": "ClassLabel"}}
        metadata = json.dumps({"info": {"features": features}}).encode()
    if metadata is not None:
        table = table.replace_schema_metadata({"huggingface": metadata})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group_size)
    return path
