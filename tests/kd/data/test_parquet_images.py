import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from parquet_sets import encode, write_parquet

from aikd_tune.kd.data import parquet_columns
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data


def at(path: Path) -> Data:
    return Data(name="parquet_images", path=str(path))


def channels_first(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return colour.transpose(0, 3, 1, 2)


def test_a_folder_with_a_test_part(small_set: Path, colour: NDArray[np.uint8]) -> None:
    loaded = load(at(small_set))
    np.testing.assert_array_equal(loaded.images, channels_first(colour[:4]))
    np.testing.assert_array_equal(loaded.labels, [0, 1, 1, 0])
    np.testing.assert_array_equal(loaded.test_images, channels_first(colour[4:]))
    np.testing.assert_array_equal(loaded.test_labels, [1, 0])
    facts = loaded.facts
    assert (facts.num_images, facts.num_test, facts.num_classes, facts.image_shape) == (4, 2, 2, (3, 5, 4))
    assert facts.class_names == ("cat", "dog")
    assert describe(at(small_set)) == facts


def test_arrays_are_memory_maps_that_cannot_be_written(small_set: Path) -> None:
    images = load(at(small_set)).images
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_jpeg_and_the_other_column_names(tmp_path: Path, colour: NDArray[np.uint8]) -> None:
    flat = np.broadcast_to(colour[:, :1, :1], (6, 16, 16, 3)).copy()  # one colour each: JPEG keeps it within rounding
    contents = [encode(levels, "JPEG") for levels in flat]
    write_parquet(tmp_path / "set/train.parquet", contents, range(6), image_name="image", label_name="fine_label")
    loaded = load(at(tmp_path / "set"))
    assert loaded.images.shape == (6, 3, 16, 16)
    np.testing.assert_allclose(loaded.images.astype(int), channels_first(flat).astype(int), atol=3)
    assert loaded.facts.class_names == ("0", "1", "2", "3", "4", "5")
    assert loaded.facts.num_test is None


def test_a_lone_file_of_grey_images_is_a_set_of_one_channel_without_a_test_part(
    tmp_path: Path, colour: NDArray[np.uint8]
) -> None:
    grey = colour[..., 0]
    loaded = load(at(write_parquet(tmp_path / "grey.parquet", [encode(levels) for levels in grey], [0, 1] * 3)))
    np.testing.assert_array_equal(loaded.images, grey[:, None])
    assert loaded.facts.num_test is None
    assert loaded.test_images is None


def test_several_files_and_folders_of_a_part_follow_in_order_of_name(tmp_path: Path, colour: NDArray[np.uint8]) -> None:
    contents = [encode(levels) for levels in colour]
    write_parquet(tmp_path / "set/train/0001.parquet", contents[3:5], [0, 1])
    write_parquet(tmp_path / "set/train/0000.parquet", contents[:3], [1, 1, 0])
    write_parquet(tmp_path / "set/test/0000.parquet", contents[4:], [1, 0])
    (tmp_path / "set/README.md").write_text("left alone")
    loaded = load(at(tmp_path / "set"))
    np.testing.assert_array_equal(loaded.images, channels_first(colour[:5]))
    np.testing.assert_array_equal(loaded.labels, [1, 1, 0, 0, 1])
    np.testing.assert_array_equal(loaded.test_images, channels_first(colour[4:]))


def test_images_read_in_several_blocks_and_row_groups_keep_their_order(
    tmp_path: Path, colour: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_columns, "_ROWS_AT_A_TIME", 2)
    contents = [encode(levels) for levels in colour]
    path = write_parquet(tmp_path / "set.parquet", contents, [0, 1, 0, 1, 0, 1], row_group_size=3)
    np.testing.assert_array_equal(load(at(path)).images, channels_first(colour))


def test_fingerprint_follows_the_contents_and_not_the_place(small_set: Path, tmp_path: Path) -> None:
    before = describe(at(small_set)).fingerprint
    moved = tmp_path / "elsewhere"
    shutil.copytree(small_set, moved)
    assert describe(at(moved)).fingerprint == before
    exchanged = tmp_path / "exchanged"
    exchanged.mkdir()
    shutil.copy(moved / "train-00000-of-00001.parquet", exchanged / "test.parquet")
    shutil.copy(moved / "test-00000-of-00001.parquet", exchanged / "train.parquet")
    assert describe(at(exchanged)).fingerprint != before
    without_test = tmp_path / "without_test"
    without_test.mkdir()
    shutil.copy(moved / "train-00000-of-00001.parquet", without_test / "train-0.parquet")
    shutil.copy(moved / "test-00000-of-00001.parquet", without_test / "train-1.parquet")
    assert describe(at(without_test)).fingerprint != before


def test_an_edited_file_is_read_again(small_set: Path, colour: NDArray[np.uint8]) -> None:
    before = describe(at(small_set))
    write_parquet(
        small_set / "test-00000-of-00001.parquet", [encode(colour[0])] * 3, [1, 0, 1], class_names=["cat", "dog"]
    )
    after = describe(at(small_set))
    assert after.fingerprint != before.fingerprint
    assert (before.num_test, after.num_test) == (2, 3)
