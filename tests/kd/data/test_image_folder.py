import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from layouts import Rows, synthetic_rows, write_image_folder, write_tiny_imagenet
from numpy.typing import NDArray
from parquet_sets import encode
from PIL import Image, ImageOps
from torchvision.datasets import ImageFolder
from torchvision.transforms import functional as tv

from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data

TRAIN, TEST = synthetic_rows(7, 3, 6), synthetic_rows(5, 3, 6, seed=1)


def at(path: Path, **fields: int) -> Data:
    return Data(name="image_folder", path=str(path), **fields)


def by_class(rows: Rows) -> NDArray[np.uint8]:
    """Images (n, C, H, W) in the order of their folders."""
    return np.concatenate([rows.of(label) for label in range(len(rows.class_names))]).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("test_name", ["test", "val"])
@pytest.mark.parametrize("nested", ["", "images"])
def test_classes_are_folders_and_images_follow_in_order_of_name(test_name: str, nested: str, tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST, test_name, nested=nested)
    loaded = load(at(root))
    np.testing.assert_array_equal(loaded.images, by_class(TRAIN))
    np.testing.assert_array_equal(loaded.labels, np.sort(TRAIN.labels))
    np.testing.assert_array_equal(loaded.test_images, by_class(TEST))
    np.testing.assert_array_equal(loaded.test_labels, np.sort(TEST.labels))
    facts = loaded.facts
    assert (facts.num_images, facts.num_test, facts.num_classes, facts.image_shape) == (7, 5, 3, (3, 6, 6))
    assert facts.class_names == TRAIN.class_names
    assert isinstance(loaded.images, np.memmap)


def test_train_alone_has_no_test_part(tmp_path: Path) -> None:
    loaded = load(at(write_image_folder(tmp_path / "set", TRAIN, None)))
    assert (loaded.facts.num_images, loaded.facts.num_test, loaded.test_images) == (7, None, None)


def test_test_goes_before_val(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST)
    shutil.copytree(root / "train", root / "val")
    assert describe(at(root)).num_test == 5


def test_tiny_imagenet_as_it_is_handed_out(tmp_path: Path) -> None:
    names = ("n03", "n01", "n02")
    train, val = (Rows(rows.images, rows.labels, names) for rows in (TRAIN, TEST))
    loaded = load(at(write_tiny_imagenet(tmp_path / "set", train, val)))
    assert loaded.facts.class_names == ("n01", "n02", "n03")
    assert loaded.test_labels is not None
    assert [loaded.facts.class_names[label] for label in loaded.test_labels] == sorted(names[n] for n in val.labels)
    assert (loaded.facts.num_images, loaded.facts.num_test) == (7, 5)


def test_what_is_no_image_is_left_alone(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST)
    before = describe(at(root))
    for name in ("Thumbs.db", ".DS_Store", "readme.txt", "._class_000_00000.png", "boxes.csv"):
        (root / "train/class_000" / name).write_bytes(b"of no interest")
    for folder in (".ipynb_checkpoints", "__MACOSX"):
        (root / "train" / folder).mkdir()
        shutil.copy(root / "train/class_000/class_000_00000.png", root / "train" / folder)
    (root / "README.md").touch()
    (root / "train/labels.txt").touch()
    assert describe(at(root)) == before


def test_suffixes_in_capitals_and_every_format(tmp_path: Path) -> None:
    # Two colours that every format keeps as they are.
    levels = np.zeros((8, 8, 3), np.uint8)
    levels[:, 4:] = 255
    forms = {"a.PNG": "PNG", "b.bmp": "BMP", "c.TIFF": "TIFF", "d.ppm": "PPM", "e.gif": "GIF", "f.JPEG": "JPEG"}
    for part in ("one", "two"):
        (tmp_path / "set/train" / part).mkdir(parents=True)
        for name, form in forms.items():
            (tmp_path / "set/train" / part / name).write_bytes(encode(levels, form))
    Image.fromarray(levels).save(tmp_path / "set/train/one/g.webp", lossless=True)
    images = load(at(tmp_path / "set")).images
    assert len(images) == 13
    np.testing.assert_allclose(images, np.broadcast_to(levels.transpose(2, 0, 1), images.shape), atol=2)


@pytest.mark.parametrize("stored_size", [5, 16, 40])
def test_stored_size_is_torchvisions_resize_and_centre_crop(stored_size: int, tmp_path: Path) -> None:
    sizes = [(16, 16), (16, 31), (40, 17), (23, 5), (5, 8)]
    draws = np.random.default_rng(0)
    for i, (height, width) in enumerate(sizes):
        path = tmp_path / f"set/train/{i % 2}/{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(draws.integers(0, 256, (height, width, 3), dtype=np.uint8)))
    loaded = load(at(tmp_path / "set", stored_size=stored_size))
    assert loaded.facts.image_shape == (3, stored_size, stored_size)
    # torchvision's own folder gives the images, their order and labels; its functional transforms the sizes.
    for levels, label, (image, expected_label) in zip(
        loaded.images, loaded.labels, ImageFolder(str(tmp_path / "set/train")), strict=True
    ):
        expected = tv.center_crop(tv.resize(image, stored_size), stored_size)
        np.testing.assert_array_equal(levels, np.asarray(expected).transpose(2, 0, 1))
        assert label == expected_label


def test_a_set_stored_in_two_sizes_has_one_fingerprint(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST)
    whole, small = describe(at(root)), describe(at(root, stored_size=4))
    assert whole.fingerprint == small.fingerprint
    assert (whole.image_shape, small.image_shape) == ((3, 6, 6), (3, 4, 4))
    assert describe(at(root)) == whole


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_that_was_turned(orientation: int, tmp_path: Path) -> None:
    levels = np.zeros((16, 24, 3), np.uint8)
    levels[:8, :8], levels[8:, 16:] = (255, 0, 0), (0, 0, 255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "JPEG", exif=exif, quality=95, subsampling=0)
    for name in ("a", "b"):
        (tmp_path / "set/train" / name).mkdir(parents=True)
        (tmp_path / "set/train" / name / "0.jpg").write_bytes(buffer.getvalue())
    with Image.open(buffer) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    loaded = load(at(tmp_path / "set"))
    np.testing.assert_array_equal(loaded.images[0], np.asarray(upright).transpose(2, 0, 1))
    cropped = tv.center_crop(tv.resize(upright, 10), 10)
    fitted = load(at(tmp_path / "set", stored_size=10)).images[0]
    np.testing.assert_array_equal(fitted, np.asarray(cropped).transpose(2, 0, 1))


def test_broken_notes_of_a_camera_do_not_spoil_an_image(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, None, form="JPEG")
    path = root / "train/class_000/class_000_00000.jpeg"
    before = load(at(root)).images[0].copy()
    Image.fromarray(TRAIN.of(0)[0]).save(path, exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")
    np.testing.assert_array_equal(load(at(root)).images[0], before)


def test_a_large_jpeg_is_decoded_smaller_and_looks_the_same(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 800)[:, None, None] * np.linspace(0, 1, 1200)[None, :, None]
    levels = np.broadcast_to(ramp, (800, 1200, 3)).astype(np.uint8)
    for name in ("a", "b"):
        (tmp_path / "set/train" / name).mkdir(parents=True)
        Image.fromarray(levels).save(tmp_path / "set/train" / name / "0.jpg", quality=95)
    found = load(at(tmp_path / "set", stored_size=40)).images[0]
    expected = np.asarray(tv.center_crop(tv.resize(Image.fromarray(levels), 40), 40)).transpose(2, 0, 1)
    assert np.abs(found.astype(int) - expected).max() <= 3


def test_the_number_of_threads_and_the_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = synthetic_rows(60, 2, 7, height=9)
    root = write_image_folder(tmp_path / "set", rows, None, form="JPEG")
    found = []
    for i, (threads, at_most, a_task) in enumerate([(1, 1024, 16), (5, 7, 3), (3, 1, 1)]):
        monkeypatch.setenv("AIKD_TUNE_CACHE", str(tmp_path / f"cache{i}"))
        monkeypatch.setattr("aikd_tune.kd.data.blocks.num_threads", lambda threads=threads: threads)
        monkeypatch.setattr("aikd_tune.kd.data.blocks._SMALL_PIXELS", 0)
        monkeypatch.setattr("aikd_tune.kd.data.blocks._IMAGES_AT_MOST", at_most)
        monkeypatch.setattr("aikd_tune.kd.data.blocks._IMAGES_A_TASK", a_task)
        found.append(np.array(load(at(root, stored_size=5)).images))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_transparency_is_dropped_and_palettes_are_looked_up(tmp_path: Path) -> None:
    levels = np.array(TRAIN.images[0])
    for name in ("a", "b"):
        (tmp_path / "set/train" / name).mkdir(parents=True)
    see_through = np.concatenate([levels, np.zeros((6, 6, 1), np.uint8)], axis=2)
    Image.fromarray(see_through).save(tmp_path / "set/train/a/0.png")
    palette = Image.fromarray(levels).quantize(256)
    palette.save(tmp_path / "set/train/b/0.png", transparency=bytes(range(256)))
    images = load(at(tmp_path / "set")).images
    np.testing.assert_array_equal(images[0], levels.transpose(2, 0, 1))
    np.testing.assert_array_equal(images[1], np.asarray(palette.convert("RGB")).transpose(2, 0, 1))


def test_a_grey_set(tmp_path: Path) -> None:
    rows = synthetic_rows(4, 2, 6, channels=1)
    root = write_image_folder(tmp_path / "set", rows, None)
    Image.fromarray(rows.of(0)[1]).convert("LA").save(root / "train/class_000/class_000_00001.png")
    loaded = load(at(root))
    assert loaded.facts.image_shape == (1, 6, 6)
    np.testing.assert_array_equal(loaded.images[:2, 0], rows.of(0))


def test_fingerprint_follows_contents_and_classes_and_not_the_place(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST)
    before = describe(at(root)).fingerprint

    def copied(name: str) -> Path:
        return Path(shutil.copytree(root, tmp_path / name))

    assert describe(at(copied("elsewhere"))).fingerprint == before
    as_val = copied("val")
    (as_val / "test").rename(as_val / "val")
    assert describe(at(as_val)).fingerprint == before
    edited = copied("edited")
    (edited / "test/class_001/class_001_00000.png").write_bytes(encode(TRAIN.images[0]))
    renamed = copied("renamed")
    for part in ("train", "test"):
        (renamed / part / "class_001").rename(renamed / part / "class_001b")
    moved = copied("moved")
    (moved / "train/class_000/class_000_00002.png").rename(moved / "train/class_001/class_000_00002.png")
    exchanged = copied("exchanged")
    (exchanged / "test").rename(exchanged / "x")
    (exchanged / "train").rename(exchanged / "test")
    (exchanged / "x").rename(exchanged / "train")
    found = [describe(at(path)).fingerprint for path in (edited, renamed, moved, exchanged)]
    assert len({before, *found}) == 5


def test_an_edited_image_is_read_again_even_in_the_same_size(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, None, form="BMP")
    before = describe(at(root)).fingerprint
    path = root / "train/class_000/class_000_00000.bmp"
    size = path.stat().st_size
    path.write_bytes(encode(255 - TRAIN.of(0)[0], "BMP"))
    assert path.stat().st_size == size
    assert describe(at(root)).fingerprint != before


def test_a_warm_start_opens_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_image_folder(tmp_path / "set", TRAIN, TEST)
    facts = describe(at(root))

    def refuse(*arguments: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr("hashlib.file_digest", refuse)
    monkeypatch.setattr("aikd_tune.kd.data.image_files.decode", refuse)
    monkeypatch.setattr("fcntl.flock", refuse)
    assert load(at(root)).facts == facts
