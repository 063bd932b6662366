"""Every set that cannot be used is one line that names the file, the rule and what was found."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from parquet_sets import encode, write_parquet

from aikd_tune.errors import DataError
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data

LEVELS = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
COLOUR = encode(LEVELS)
GREY = encode(LEVELS[..., 0])
LARGER = encode(np.zeros((6, 4, 3), np.uint8))
DEEP = encode(np.zeros((5, 4), np.uint16))
TRUNCATED = encode(np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8))[:70]


def refusal(path: Path) -> str:
    """The one line that describes and loads alike, after the path."""
    data = Data(name="parquet_images", path=str(path))
    with pytest.raises(DataError) as described:
        describe(data)
    with pytest.raises(DataError) as loaded:
        load(data)
    line = str(described.value)
    assert line == str(loaded.value)
    assert "\n" not in line
    return line


Make = Callable[[Path], object]
CASES: dict[str, tuple[Make, str]] = {
    "no image": (
        lambda path: write_parquet(path, [COLOUR, b"not an image"], [0, 1]),
        "FILE: row 1: must be an image (JPEG, PNG, WEBP, BMP, TIFF, GIF, PPM), found 12 bytes of none",
    ),
    "truncated image": (
        lambda path: write_parquet(path, [COLOUR, COLOUR, TRUNCATED], [0, 1, 0]),
        "FILE: row 2: must be a whole image, found: .*",
    ),
    "no bytes": (
        lambda path: write_parquet(path, [COLOUR, None], [0, 1]),
        "FILE: row 1: the image's bytes must be in the file, found none",
    ),
    "another size": (
        lambda path: write_parquet(path, [COLOUR, LARGER], [0, 1]),
        "FILE: row 1: all images must have the size of the first (4x5, FILE: row 0) unless they are resized and "
        "cropped (data: {stored_size: 4}), found 4x6",
    ),
    "colour among grey": (
        lambda path: write_parquet(path, [GREY, COLOUR], [0, 1]),
        "FILE: row 1: all images must be grey as the first is (FILE: row 0) unless data.mode is set, found mode RGB",
    ),
    "grey among colour": (
        lambda path: write_parquet(path, [COLOUR, GREY], [0, 1]),
        "FILE: row 1: all images must be in colour as the first is (FILE: row 0) unless data.mode is rgb, "
        "found a grey one (mode L)",
    ),
    "16 bits": (
        lambda path: write_parquet(path, [DEEP, DEEP], [0, 1]),
        "FILE: row 0: must be grey or colour with 8 bits a channel, found mode I;16",
    ),
    "no rows": (
        lambda path: write_parquet(path, [], []),
        "FILE: the training part must hold images, found 0 rows",
    ),
    "no image column": (
        lambda path: write_parquet(path, [COLOUR], [0], image_name="picture"),
        "FILE: needs a column img or image, found picture, label",
    ),
    "no label column": (
        lambda path: write_parquet(path, [COLOUR], [0], label_name="class"),
        "FILE: needs a column label or fine_label, found img, class",
    ),
    "bare bytes": (
        lambda path: pq.write_table(pa.table({"img": [COLOUR], "label": [0]}), path),
        "FILE: column img must be struct<bytes: binary, path: string>, found binary",
    ),
    "label of text": (
        lambda path: write_parquet(path, [COLOUR], ["cat"], label_type=pa.string()),
        "FILE: column label must hold whole numbers, found string",
    ),
    "label missing": (
        lambda path: write_parquet(path, [COLOUR, COLOUR], [0, None]),
        "FILE: column label must have a label in every row, found 1 nulls",
    ),
    "label beyond the names": (
        lambda path: write_parquet(path, [COLOUR] * 3, [0, 1, 2], class_names=["cat", "dog"]),
        "FILE: row 2: label must be from 0 to 1, found 2",
    ),
    "label below zero": (
        lambda path: write_parquet(path, [COLOUR] * 3, [0, -1, 2]),
        "FILE: row 1: label must be from 0 to 2, found -1",
    ),
    "stray label": (
        lambda path: write_parquet(path, [COLOUR] * 3, [0, 1, 70000]),
        "FILE: label must be below the number of images (3) where no class names are given, found 70000",
    ),
    "other metadata": (
        lambda path: write_parquet(path, [COLOUR], [0], metadata=b"{}"),
        "FILE: huggingface metadata must be JSON with info.features.label, found another form",
    ),
    "no Parquet": (
        lambda path: path.write_bytes(b"PAR1 of a kind"),
        "FILE: must be a whole, readable Parquet file, found: .*",
    ),
}


@pytest.mark.parametrize(("make", "expected"), CASES.values(), ids=CASES.keys())
def test_the_line(make: Make, expected: str, tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "set.parquet"
    make(path)
    pattern = re.escape(expected.replace("FILE", str(path))).replace(re.escape(".*"), ".+")
    assert re.fullmatch(pattern, refusal(path))
    assert not [entry for entry in cache.iterdir() if entry.is_dir() and entry.name != "fingerprints"]


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_truncated_file(kept: float, small_set: Path) -> None:
    path = small_set / "test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert refusal(small_set).startswith(f"{path}: must be a whole, readable Parquet file, found: ")


def test_class_names_that_differ_between_files(small_set: Path) -> None:
    path = write_parquet(small_set / "test-00000-of-00001.parquet", [COLOUR], [0], class_names=["dog", "cat"])
    train = small_set / "train-00000-of-00001.parquet"
    assert refusal(small_set) == f"{path}: class names must be those of {train}, found others"


@pytest.mark.parametrize(
    ("train", "test", "line"),
    [
        ([0, 1, 2], [0, 1], "TEST: must have images of every class of TRAIN, found none of emu"),
        ([0, 0, 1], [0, 1, 2], "TRAIN: must have images of every class of TEST, found none of emu"),
        ([0, 1], [], "TEST: the test part must hold images, found 0 rows"),
    ],
)
def test_classes_of_one_part_alone(train: list[int], test: list[int], line: str, tmp_path: Path) -> None:
    names = ["cat", "dog", "emu"]
    paths = {"TRAIN": tmp_path / "train.parquet", "TEST": tmp_path / "test.parquet"}
    for path, labels in zip(paths.values(), (train, test), strict=True):
        write_parquet(path, [COLOUR] * len(labels), labels, class_names=names)
    for word, path in paths.items():
        line = line.replace(word, str(path))
    assert refusal(tmp_path) == line


def test_a_disk_without_room(small_set: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(small_set)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=6 * (60 + 8) - 1))
    assert refusal(small_set) == (
        f"{cache}: decoding needs 0.0 GiB of disk (set AIKD_TUNE_CACHE to choose another folder), found 0.0 GiB free"
    )
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=6 * (60 + 8)))
    assert describe(Data(name="parquet_images", path=str(small_set))).num_images == 4


def test_an_empty_folder_and_a_folder_of_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    rule = (
        f"{folder}: a folder of parquet_images needs train*.parquet (and test*.parquet if it has a test split), found "
    )
    assert refusal(folder) == rule + "an empty folder"
    (folder / "0000.parquet").touch()
    assert refusal(folder) == rule + "0000.parquet"


def test_a_path_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "absent"
    assert refusal(path) == f"{path}: parquet_images needs a Parquet file or a folder of them, found nothing there"


def test_a_link_to_nothing(tmp_path: Path) -> None:
    link = tmp_path / "set/train.parquet"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "absent")
    assert refusal(link.parent) == f"{link}: must be readable, found: No such file or directory"


def test_no_path() -> None:
    with pytest.raises(DataError, match=r"^data\.path: parquet_images needs a Parquet file or a folder of them"):
        describe(Data(name="parquet_images"))
