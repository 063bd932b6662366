"""data.mode: what every image of a mixed set becomes."""

from pathlib import Path

import numpy as np
import pytest
from layouts import Rows, synthetic_rows, write_image_folder
from parquet_sets import encode, write_parquet

from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data


@pytest.fixture
def mixed() -> tuple[Rows, Rows]:
    """The same levels in grey and in three equal channels."""
    grey = synthetic_rows(4, 2, 10, channels=1)
    return grey, Rows(np.repeat(grey.images[..., None], 3, axis=3), grey.labels, grey.class_names)


def folder_of(tmp_path: Path, grey: Rows, colour: Rows) -> Data:
    """Grey training images, test images in colour."""
    return Data(name="image_folder", path=str(write_image_folder(tmp_path / "set", grey, colour)))


def test_grey_images_are_repeated_over_three_channels(tmp_path: Path, mixed: tuple[Rows, Rows]) -> None:
    data = folder_of(tmp_path, *mixed)
    for mode, channels in (("rgb", 3), ("grey", 1)):
        found = load(data.model_copy(update={"mode": mode}))
        assert found.facts.image_shape == (channels, 10, 10)
        assert found.test_images is not None
        np.testing.assert_array_equal(found.images, found.test_images)
        in_order = np.concatenate([mixed[0].of(0), mixed[0].of(1)])
        for channel in range(channels):
            np.testing.assert_array_equal(found.images[:, channel], in_order)


def test_parquet_too(tmp_path: Path, mixed: tuple[Rows, Rows]) -> None:
    grey, colour = mixed
    contents = [encode(grey.images[0]), encode(colour.images[1])]
    write_parquet(tmp_path / "set.parquet", contents, [0, 1])
    data = Data(name="parquet_images", path=str(tmp_path / "set.parquet"), mode="rgb")
    np.testing.assert_array_equal(load(data).images, colour.images[:2].transpose(0, 3, 1, 2))
