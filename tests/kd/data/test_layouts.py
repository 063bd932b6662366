"""One set of images in every layout is the same set."""

from pathlib import Path

import numpy as np
import pytest
from layouts import (
    CIFAR10,
    Rows,
    cifar10_rows,
    synthetic_rows,
    write_image_folder,
    write_parquet_set,
    write_tiny_imagenet,
)

from aikd_tune.kd.data.load import ImageSet, load
from aikd_tune.spec.fields import Data


def in_order_of_class(loaded: ImageSet) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Images and test images, stably sorted by label."""
    assert loaded.test_images is not None
    assert loaded.test_labels is not None
    return (
        loaded.images[np.argsort(loaded.labels, kind="stable")],
        loaded.test_images[np.argsort(loaded.test_labels, kind="stable")],
    )


def check_every_layout(root: Path, train: Rows, test: Rows, stored_size: int | None) -> None:
    paths = {
        "folder": write_image_folder(root / "folder", train, test, form="JPEG"),
        "val": write_image_folder(root / "val", train, test, "val", form="JPEG", nested="images/deeper"),
        "tiny": write_tiny_imagenet(root / "tiny", train, test),
    }
    parquet = write_parquet_set(root / "parquet", train, test, form="JPEG")
    expected = load(Data(name="parquet_images", path=str(parquet), stored_size=stored_size))
    assert len(expected.images) == len(train.labels)
    for path in paths.values():
        found = load(Data(name="image_folder", path=str(path), stored_size=stored_size))
        assert found.facts.class_names == expected.facts.class_names
        for images, expected_images in zip(in_order_of_class(found), in_order_of_class(expected), strict=True):
            np.testing.assert_array_equal(images, expected_images)


@pytest.mark.parametrize("stored_size", [None, 7])
def test_every_layout_of_synthetic_images(stored_size: int | None, tmp_path: Path) -> None:
    train, test = synthetic_rows(13, 3, 12, height=9), synthetic_rows(8, 3, 12, seed=1, height=9)
    check_every_layout(tmp_path, train, test, stored_size)


@pytest.mark.slow
@pytest.mark.skipif(not CIFAR10.is_dir(), reason="no CIFAR-10 as Parquet images: set AIKD_TUNE_CIFAR10 to its folder")
def test_every_layout_of_real_images(tmp_path: Path) -> None:
    train, test = cifar10_rows("train", 500), cifar10_rows("test", 100)
    check_every_layout(tmp_path, train, test, None)
    check_every_layout(tmp_path / "larger", train.resized(90, 70), test.resized(80, 100), 64)
