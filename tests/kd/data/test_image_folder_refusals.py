"""Folders of images that cannot be used: each is one line that names the file, the rule and what was found."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from layouts import synthetic_rows, write_image_folder, write_tiny_imagenet
from parquet_sets import encode

from aikd_tune.errors import DataError
from aikd_tune.kd.data.describe import describe
from aikd_tune.spec.fields import Data

TRAIN, TEST = synthetic_rows(7, 3, 6), synthetic_rows(5, 3, 6, seed=1)


def at(path: Path, **fields: int) -> Data:
    return Data(name="image_folder", path=str(path), **fields)


def refusal(path: Path, **fields: int) -> str:
    with pytest.raises(DataError) as caught:
        describe(at(path, **fields))
    assert "\n" not in str(caught.value)
    return str(caught.value)


IMAGE = "train/class_001/class_001_00001.png"


def test_an_image_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", synthetic_rows(12, 2, 40), synthetic_rows(4, 2, 40))
    path = root / IMAGE
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refusal(root).startswith(f"{path}: must be a whole image, found: ")
    path.write_bytes(b"<html>404</html>")
    formats = "JPEG, PNG, WEBP, BMP, TIFF, GIF, PPM"
    assert refusal(root) == f"{path}: must be an image ({formats}), found 16 bytes of none"
    path.write_bytes(b"")
    assert refusal(root) == f"{path}: must be an image ({formats}), found 0 bytes of none"
    path.write_bytes(encode(np.zeros((40, 40), np.uint8)))
    first = root / "train/class_000/class_000_00000.png"
    assert refusal(root) == (
        f"{path}: all images must be in colour as the first is ({first}) unless data.mode is rgb, "
        "found a grey one (mode L)"
    )
    path.write_bytes(encode(np.zeros((50, 30, 3), np.uint8)))
    assert refusal(root) == (
        f"{path}: all images must have the size of the first (40x40, {first}) unless they are resized and cropped "
        "(data: {stored_size: 30}), found 30x50"
    )
    assert describe(at(root, stored_size=30)).image_shape == (3, 30, 30)


def test_a_strip_is_not_resized(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", synthetic_rows(4, 2, 40), None)
    path = root / "train/class_001/class_001_00001.png"
    path.write_bytes(encode(np.zeros((2, 201, 3), np.uint8)))
    rule = "must be at most 100 times as long as wide to be resized and cropped"
    assert refusal(root, stored_size=5) == f"{path}: {rule}, found 201x2"
    path.write_bytes(encode(np.zeros((2, 200, 3), np.uint8)))
    assert describe(at(root, stored_size=5)).num_images == 4


def test_a_truncated_jpeg_is_named(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", synthetic_rows(12, 2, 64), None, form="JPEG")
    path = root / "train/class_001/class_001_00003.jpeg"
    path.write_bytes(path.read_bytes()[:-200])
    for fields in ({}, {"stored_size": 10}):
        assert refusal(root, **fields).startswith(f"{path}: must be a whole image, found: ")


@pytest.mark.parametrize("threads", [1, 3])
def test_of_several_bad_images_the_first_is_named(
    threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aikd_tune.kd.data.blocks._SMALL_PIXELS", 0)
    monkeypatch.setattr("aikd_tune.kd.data.blocks.num_threads", lambda: threads)
    root = write_image_folder(tmp_path / "set", synthetic_rows(200, 2, 6), None)
    for i in (90, 40, 77):
        (root / f"train/class_001/class_001_{i:05d}.png").write_bytes(b"none")
    assert refusal(root).startswith(f"{root}/train/class_001/class_001_00040.png: ")


def test_classes_of_one_part_alone_and_empty_ones(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST)
    shutil.move(root / "test/class_001", tmp_path / "aside")
    assert refusal(root) == f"{root}/test: must have images of every class of {root}/train, found none of class_001"
    shutil.move(tmp_path / "aside", root / "test/class_001")
    for i in range(5):
        shutil.copytree(root / "test/class_001", root / f"test/new_{i}")
    rule = f"{root}/train: must have images of every class of {root}/test, found none of new_0, new_1, new_2 and 2 more"
    assert refusal(root) == rule
    for i in range(5):
        shutil.rmtree(root / f"test/new_{i}")
    shutil.rmtree(root / "train/class_002")
    (root / "train/class_002").mkdir()
    assert refusal(root) == f"{root}/train/class_002: must hold images, found nothing"
    (root / "train/class_002/notes.txt").touch()
    assert refusal(root) == f"{root}/train/class_002: must hold images, found notes.txt"


def test_images_that_are_not_taken_are_never_passed_over(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, None)
    phone = root / "train/class_000/IMG_1.HEIC"
    phone.touch()
    allowed = ".bmp, .gif, .jpeg, .jpg, .pgm, .png, .ppm, .tif, .tiff, .webp"
    assert refusal(root) == f"{phone}: an image must be one of {allowed}, found .heic"
    phone.unlink()
    (root / "train/stray.jpg").touch()
    assert refusal(root) == (
        f"{root}/train/stray.jpg: an image must lie in the folder of its class, found it beside them"
    )


def test_folders_of_another_form(tmp_path: Path) -> None:
    root = tmp_path / "set"
    needs = f"{root}: image_folder needs a folder that holds train/<class>/ with images, found none"
    assert refusal(root) == needs
    root.touch()
    assert refusal(root) == needs
    root.unlink()
    (root / "cats").mkdir(parents=True)
    rule = f"{root}: image_folder needs train/<class>/ (and test/<class>/ or val/<class>/ if it has a test split)"
    assert refusal(root) == f"{rule}, found cats"
    (root / "train/cats").mkdir(parents=True)
    assert refusal(root) == f"{root}/train: needs a folder for each of two or more classes, found cats"
    with pytest.raises(DataError, match=r"^data\.path: image_folder needs a folder that holds train/<class>/"):
        describe(Data(name="image_folder"))


def test_links_are_followed(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST)
    (tmp_path / "linked/train").mkdir(parents=True)
    for folder in (root / "train").iterdir():
        (tmp_path / "linked/train" / folder.name).symlink_to(folder)
    (tmp_path / "linked/test").symlink_to(root / "test")
    assert describe(at(tmp_path / "linked")) == describe(at(root))
    dead = root / "train/class_000/dead.png"
    dead.symlink_to(tmp_path / "absent")
    assert refusal(root) == f"{dead}: must be readable, found: No such file or directory"


@pytest.fixture
def open_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder, with the cache in it, that every user may write to; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        monkeypatch.setenv("AIKD_TUNE_CACHE", f"{name}/cache")
        yield Path(name)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Inside, root is a user who may not read everything; others stay who they are."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_file_that_may_not_be_read(open_folder: Path) -> None:
    root = write_image_folder(open_folder / "set", TRAIN, TEST)
    with as_nobody():
        describe(at(root))
    (root / IMAGE).chmod(0)
    os.utime(root / IMAGE)
    with as_nobody():
        assert refusal(root) == f"{root / IMAGE}: must be readable, found: Permission denied"


def test_a_val_folder_that_names_too_few_of_its_images(tmp_path: Path) -> None:
    root = write_tiny_imagenet(tmp_path / "set", TRAIN, TEST)
    notes = root / "val/val_annotations.txt"
    lines = notes.read_text().splitlines(keepends=True)
    notes.write_text("".join(lines[:-1]))
    assert refusal(root) == f"{notes}: must name the class of every image, found none for val_00004.JPEG"
    notes.write_text("".join(lines) + "val_00009.JPEG\tclass_000\n")
    assert refusal(root) == f"{root}/val/images/val_00009.JPEG: must be there as {notes} says, found nothing"
    notes.write_text("".join(lines[:-1]) + "val_00004.JPEG\tclass_777\n")
    missing = "must have images of every class of"
    assert refusal(root) == f"{root}/train: {missing} {root}/val, found none of class_777"


def test_a_pipe_is_no_image(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST)
    pipe = root / "train/class_001/pipe.png"
    os.mkfifo(pipe)
    assert refusal(root) == f"{pipe}: an image must be an ordinary file, found another kind"


def test_a_link_to_a_folder_around_itself_is_refused_and_another_is_followed(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST)
    (tmp_path / "more").mkdir()
    (tmp_path / "more/x.png").write_bytes((root / IMAGE).read_bytes())
    (root / "train/class_001/more").symlink_to(tmp_path / "more")
    assert describe(at(root)).num_images == 8
    loop = root / "train/class_001/loop"
    loop.symlink_to(root / "train/class_001")
    found = (root / "train/class_001").resolve()
    assert refusal(root) == f"{loop}: a link must not lead to a folder around itself, found {found}"
