"""How images are kept once they are decoded; no imaging library, so that a warm start is fast."""

from typing import Literal, NamedTuple

from aikd_tune.spec.fields import Data


class Storage(NamedTuple):
    """What a study file says of it."""

    size: int | None = None  # side of a square; None: their own size, which all must share
    mode: Literal["rgb", "grey"] | None = None  # what every image becomes; None: as the first, which all must be


def storage_of(data: Data) -> Storage:
    """How the images of ``data`` are to be kept."""
    return Storage(data.stored_size, data.mode)
