"""What is known about an image set: its sizes, classes and fingerprint; fast, and free of torch, once it is decoded."""

from collections.abc import Callable, Mapping
from pathlib import Path

from aikd_tune.errors import DataError
from aikd_tune.kd.data import digits, image_folder, own_set, parquet_files, torchvision_files
from aikd_tune.kd.data.cache import cached_folder
from aikd_tune.kd.data.decoded import LAYOUT, read_facts
from aikd_tune.kd.data.source import Source, folder_name
from aikd_tune.kd.data.storage import storage_of
from aikd_tune.spec.catalogue import is_own_code
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data

_FILE_SETS: Mapping[str, Callable[[Data], Source]] = {
    "parquet_images": parquet_files.find,
    "image_folder": image_folder.find,
}


def describe(data: Data) -> DataFacts:
    """Facts of the set that ``data`` names; decodes it when this machine has not done so.

    ``data.stored_size`` is taken as it is: None stores images in their own size (``spec.defaults.fill`` gives each set
    its usual one). Raises DataError, one line that names the file, for a set that cannot be used.
    """
    if data.name == "digits":
        _check_digits(data)
        return digits.FACTS
    return read_facts(decoded_folder(data))


def decoded_folder(data: Data) -> Path:
    """The cache's folder with the decoded set (see ``decoded``), written now if it is missing."""
    if data.name == "digits":
        _check_digits(data)
        return cached_folder(f"v{LAYOUT}-digits-{digits.FACTS.fingerprint[:16]}", digits.decode)
    if is_own_code(data.name):
        return own_set.decoded_folder(data)
    find = _FILE_SETS.get(data.name, torchvision_files.find)
    source = find(data)
    return cached_folder(folder_name(source.fingerprint, storage_of(data)), source.decode)


def _check_digits(data: Data) -> None:
    if data.stored_size not in (None, 8):
        raise DataError(f"data.stored_size: digits are stored as they are, 8x8, found {data.stored_size}")
