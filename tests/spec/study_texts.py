"""Study texts and facts shared by the tests of spec."""

from dataclasses import replace

from aikd_tune.spec import DataFacts
from aikd_tune.spec.fields import Data

DIGITS = DataFacts(1797, None, 10, (1, 8, 8), "d" * 64, tuple("0123456789"))
CIFAR = DataFacts(50_000, 10_000, 10, (3, 32, 32), "c" * 64, tuple("abcdefghij"))


def describe(data: Data) -> DataFacts:
    """Facts without files."""
    if data.name == "digits":
        return DIGITS
    return CIFAR if data.stored_size is None else replace(CIFAR, image_shape=(3, data.stored_size, data.stored_size))


DATA = "data: {test: 900, val: 500, train: 300}\n"  # what every study of digits needs at least
