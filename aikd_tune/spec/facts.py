"""What a study needs to know of its data set before anything is decoded."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class DataFacts:
    """Sizes and identity of a data set.

    ``num_images`` counts the training part (the whole set where it has no test split of its own), ``num_test`` the
    test part (None where there is none), ``image_shape`` is (channels, height, width) as decoded, ``fingerprint`` a
    SHA-256 of the contents.
    """

    num_images: int
    num_test: int | None
    num_classes: int
    image_shape: tuple[int, int, int]
    fingerprint: str
    class_names: tuple[str, ...]


def input_shape(size: int | None, facts: DataFacts) -> tuple[int, int, int]:
    """(channels, height, width) of what a network sees: ``size`` square, or the decoded images where it is None."""
    channels, height, width = facts.image_shape
    return (channels, height, width) if size is None else (channels, size, size)


def count_of(size: int | str, num_images: int) -> int:
    """Images that ``size`` stands for: a count as it is, a share such as "20%" of ``num_images`` rounded down."""
    if isinstance(size, int):
        return size
    return int(Decimal(size.removesuffix("%")) * num_images / 100)
