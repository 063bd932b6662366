"""Published sizes of torchvision's sets: enough to check and plan a study on a machine that has no copy of the set."""

from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data

# training images, test images, classes, channels and the side where all images have one
_SIZES: dict[str, tuple[int, int, int, int, int | None]] = {
    "MNIST": (60_000, 10_000, 10, 1, 28),
    "FashionMNIST": (60_000, 10_000, 10, 1, 28),
    "KMNIST": (60_000, 10_000, 10, 1, 28),
    "CIFAR10": (50_000, 10_000, 10, 3, 32),
    "CIFAR100": (50_000, 10_000, 100, 3, 32),
    "SVHN": (73_257, 26_032, 10, 3, 32),
    "STL10": (5_000, 8_000, 10, 3, 96),
    "Flowers102": (2_040, 6_149, 102, 3, None),
    "FGVCAircraft": (6_667, 3_333, 100, 3, None),
    "StanfordCars": (8_144, 8_041, 196, 3, None),
    "OxfordIIITPet": (3_680, 3_669, 37, 3, None),
    "DTD": (3_760, 1_880, 47, 3, None),
    "Food101": (75_750, 25_250, 101, 3, None),
}
_NOT_READ = "published sizes, not read"


def published_facts(data: Data) -> DataFacts | None:
    """Facts of a set of torchvision by its publishers' figures, with no fingerprint; None for any other set."""
    if data.name not in _SIZES:
        return None
    num_images, num_test, num_classes, channels, side = _SIZES[data.name]
    side = data.stored_size or side
    assert side is not None, "photographs have a stored size"
    names = tuple(str(label) for label in range(num_classes))
    return DataFacts(num_images, num_test, num_classes, (channels, side, side), _NOT_READ, names)
