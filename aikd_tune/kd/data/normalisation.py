"""From raw levels to what a network sees: (level / maximum - mean) / std, per channel."""

from dataclasses import dataclass

from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation per channel of images whose levels are scaled to 0..1."""

    maximum: int  # the raw level that becomes 1
    mean: tuple[float, ...]
    std: tuple[float, ...]


# Mean and standard deviation of all levels of scikit-learn's scans, divided by 16.
DIGITS = Normalisation(16, (0.3053,), (0.3760,))
# The CIFAR family's public code uses these on every 32x32 colour set.
COLOUR = Normalisation(255, (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
# Grey images in general: levels become -1..1.
GREY = Normalisation(255, (0.5,), (0.5,))


def normalisation(data: Data, facts: DataFacts) -> Normalisation:
    """The fixed normalisation of a set; it never depends on which images train."""
    if data.name == "digits":
        return DIGITS
    return COLOUR if facts.image_shape[0] == 3 else GREY
