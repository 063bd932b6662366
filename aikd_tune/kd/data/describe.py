"""What is known about an image set: its sizes, classes and fingerprint; no torch, and fast once the set is decoded."""

from functools import partial
from pathlib import Path

from aikd_tune.errors import DataError
from aikd_tune.kd.data import digits
from aikd_tune.kd.data.cache import cached_folder
from aikd_tune.kd.data.decoded import LAYOUT, read_facts
from aikd_tune.kd.data.parquet_files import decoder_version, find_parts, fingerprint
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data


def describe(data: Data) -> DataFacts:
    """Facts of the set that ``data`` names; decodes it when this machine has not done so.

    Raises DataError, one line that names the file, for a set that cannot be used.
    """
    return digits.FACTS if data.name == "digits" else read_facts(decoded_folder(data))


def decoded_folder(data: Data) -> Path:
    """The cache's folder with the decoded set (see ``decoded``), written now if it is missing."""
    if data.name == "digits":
        return cached_folder(f"v{LAYOUT}-digits-{digits.FACTS.fingerprint[:16]}", digits.decode)
    if data.path is None:
        raise DataError("data.path: parquet_images needs a Parquet file or a folder of them, found none")
    parts = find_parts(Path(data.path).expanduser())
    contents = fingerprint(parts)
    return cached_folder(f"v{LAYOUT}-{contents[:32]}-{decoder_version()}", partial(_decode_parquet, parts, contents))


def _decode_parquet(parts: dict[str, list[Path]], contents: str, folder: Path) -> None:
    from aikd_tune.kd.data.parquet_images import decode  # pyarrow is slow to import, and needed to decode alone

    decode(parts, contents, folder)
