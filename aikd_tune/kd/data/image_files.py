"""Parts that are lists of image files with their labels, decoded into uint8 arrays."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from aikd_tune.kd.data.blocks import Encoded, decoded_blocks
from aikd_tune.kd.data.decoded import PartName, PartToWrite, write_set
from aikd_tune.kd.data.image_bytes import form_of, quiet_decoder
from aikd_tune.kd.data.storage import Storage

LabelledFile = tuple[str, int]  # path and label


@quiet_decoder()
def decode(
    parts: Mapping[PartName, Sequence[LabelledFile]],
    class_names: tuple[str, ...],
    storage: Storage,
    fingerprint: str,
    folder: Path,
) -> None:
    """Write the decoded set into ``folder`` (see ``decoded``); raises DataError naming the file.

    The first training image says whether the set is grey or in colour, and its size, where ``storage`` does not.
    """
    first = parts["train"][0][0]
    form = form_of(Path(first), storage, first)
    written = {
        part: PartToWrite(
            np.array([label for _, label in files], dtype=np.int64),
            decoded_blocks((Encoded(path, Path(path)) for path, _ in files), form),
        )
        for part, files in parts.items()
    }
    write_set(folder, written, form.shape, class_names, fingerprint)
