"""Open an image set: decoded once per machine, memory-mapped by every process that trains on it."""

from dataclasses import dataclass

from aikd_tune.kd.data.decoded import Images, Labels, read_facts, read_images, read_labels
from aikd_tune.kd.data.describe import decoded_folder
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data


@dataclass(frozen=True)
class ImageSet:
    """Raw images and labels; the test part is None where the set has none of its own."""

    images: Images  # (n, C, H, W), read-only memory map
    labels: Labels  # (n,)
    test_images: Images | None  # (n_test, C, H, W), read-only memory map
    test_labels: Labels | None  # (n_test,)
    facts: DataFacts


def load(data: Data) -> ImageSet:
    """Open the set that ``data`` names; raises DataError as ``describe`` does."""
    folder = decoded_folder(data)
    facts = read_facts(folder)
    images = read_images(folder / "images.npy", (facts.num_images, *facts.image_shape))
    labels = read_labels(folder / "labels.npy", facts.num_images)
    if facts.num_test is None:
        return ImageSet(images, labels, None, None, facts)
    test_images = read_images(folder / "test_images.npy", (facts.num_test, *facts.image_shape))
    test_labels = read_labels(folder / "test_labels.npy", facts.num_test)
    return ImageSet(images, labels, test_images, test_labels, facts)
