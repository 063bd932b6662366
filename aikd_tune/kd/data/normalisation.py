"""From raw levels to what a network sees: (level / maximum - mean) / std, per channel."""

from dataclasses import dataclass

from aikd_tune.errors import DataError
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
# Of the photographs of ImageNet's training set, which torchvision's networks are given too.
IMAGENET = Normalisation(255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# Grey images in general: levels become -1..1.
GREY = Normalisation(255, (0.5,), (0.5,))

_OF_COLOUR = {"cifar": COLOUR, "imagenet": IMAGENET}
_LARGEST_OF_CIFAR = 64  # pixels a side


def normalisation(data: Data, facts: DataFacts) -> Normalisation:
    """The normalisation that ``data.normalization`` names; it never depends on which images train.

    By default that of digits, half for other grey sets, and for colour that of ImageNet where the network sees more
    than 64 pixels a side, else that of CIFAR. Raises DataError where the named one is not for these images.
    """
    channels = facts.image_shape[0]
    name = data.normalization or _default(data, facts)
    if name == "half":
        return Normalisation(16 if data.name == "digits" else 255, (0.5,) * channels, (0.5,) * channels)
    if name == "digits":
        if data.name != "digits":
            raise DataError(f"data.normalization: digits is for the set digits alone, found {data.name}")
        return DIGITS
    if channels != 3:
        raise DataError(f"data.normalization: {name} is for images of 3 channels, found {channels}")
    return _OF_COLOUR[name]


def _default(data: Data, facts: DataFacts) -> str:
    if data.name == "digits":
        return "digits"
    if facts.image_shape[0] == 1:
        return "half"
    side = min(facts.image_shape[1:]) if data.size is None else data.size
    return "imagenet" if side > _LARGEST_OF_CIFAR else "cifar"
