"""A cache of its own for every test, and a small set of images."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from parquet_sets import encode, write_parquet


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("AIKD_TUNE_CACHE", str(folder))
    return folder


@pytest.fixture
def colour() -> NDArray[np.uint8]:
    """Six colour images, (n, H, W, 3), of 5 rows and 4 columns."""
    return np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)


@pytest.fixture
def small_set(tmp_path: Path, colour: NDArray[np.uint8]) -> Path:
    """A folder with four training and two test images of two classes."""
    folder = tmp_path / "set"
    contents = [encode(levels) for levels in colour]
    write_parquet(folder / "train-00000-of-00001.parquet", contents[:4], [0, 1, 1, 0], class_names=["cat", "dog"])
    write_parquet(folder / "test-00000-of-00001.parquet", contents[4:], [1, 0], class_names=["cat", "dog"])
    return folder
