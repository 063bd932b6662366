"""Study texts and facts shared by the tests of spec."""

from aikd_tune.spec import DataFacts
from aikd_tune.spec.fields import Data

DIGITS = DataFacts(1797, None, 10, (1, 8, 8), "d" * 64, tuple("0123456789"))
CIFAR = DataFacts(50_000, 10_000, 10, (3, 32, 32), "c" * 64, tuple("abcdefghij"))


def describe(data: Data) -> DataFacts:
    """Facts without files."""
    return DIGITS if data.name == "digits" else CIFAR


DATA = "data: {test: 900, val: 500, train: 300}\n"  # what every study of digits needs at least
