"""``digits``: the scans that ship inside scikit-learn, 1,797 grey images of 8x8 with levels 0 to 16."""

import hashlib
from pathlib import Path

import numpy as np

from aikd_tune.errors import DataError
from aikd_tune.kd.data.decoded import write_facts, write_images, write_labels
from aikd_tune.spec.facts import DataFacts

# SHA-256 of the uint8 images (1797, 1, 8, 8) followed by the int64 labels (1797,), little-endian.
_FINGERPRINT = "65e5b4619795efb40c1082f4c350c049e4ad552200d369b6ae99e21eef5e72c5"
FACTS = DataFacts(
    num_images=1797,
    num_test=None,
    num_classes=10,
    image_shape=(1, 8, 8),
    fingerprint=_FINGERPRINT,
    class_names=tuple("0123456789"),
)


def decode(folder: Path) -> None:
    """Write the scans as they are, and their labels, into ``folder``."""
    from sklearn.datasets import load_digits  # slow to import, and needed once per machine

    bunch = load_digits()
    images = bunch.images.astype(np.uint8)[:, None]
    labels = bunch.target.astype("<i8")
    found = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    if found != _FINGERPRINT:
        raise DataError(f"digits: scikit-learn's bundled scans must have SHA-256 {_FINGERPRINT}, found {found}")
    write_images(folder / "images.npy", [images], images.shape)
    write_labels(folder / "labels.npy", labels)
    write_facts(folder, FACTS)
