"""The whole of CIFAR-10 as public hub exports give it; its folder is AIKD_TUNE_CIFAR10, or beside the repository."""

import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from layouts import CIFAR10
from PIL import Image

from aikd_tune.kd.data.load import load
from aikd_tune.kd.data.splits import split
from aikd_tune.spec.fields import Data


@pytest.mark.slow
@pytest.mark.skipif(not CIFAR10.is_dir(), reason="no CIFAR-10 as Parquet images: set AIKD_TUNE_CIFAR10 to its folder")
def test_the_whole_set() -> None:
    data = Data(name="parquet_images", path=str(CIFAR10), val=5000)
    loaded = load(data)
    assert loaded.images.shape == (50_000, 3, 32, 32)
    assert loaded.test_images is not None
    assert loaded.test_images.shape == (10_000, 3, 32, 32)
    assert loaded.test_labels is not None
    np.testing.assert_array_equal(np.bincount(loaded.labels), [5000] * 10)
    np.testing.assert_array_equal(np.bincount(loaded.test_labels), [1000] * 10)
    assert loaded.facts.class_names[3] == "cat"
    table = pq.read_table(sorted(CIFAR10.glob("train*.parquet"))[0])
    for row in (0, 4095, 4096, 49_999):
        with Image.open(io.BytesIO(table["img"][row].as_py()["bytes"])) as image:
            expected = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
        np.testing.assert_array_equal(loaded.images[row], expected)
        assert loaded.labels[row] == table["label"][row].as_py()
    parts = split(data, loaded.facts)
    assert (len(parts.train), len(parts.val), len(parts.test)) == (45_000, 5_000, 10_000)
