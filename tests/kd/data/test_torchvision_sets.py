import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets as tvd
from PIL import Image
from torchvision.transforms import functional as tv
from torchvision_layouts import WRITERS, accept_checksums, at, refusal

from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.load import load
from aikd_tune.kd.data.torchvision_files import FILES
from aikd_tune.spec.catalogue import TORCHVISION_SETS
from aikd_tune.spec.fields import Data

ARRAYS = {"MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100", "SVHN", "STL10"}


def test_every_set_has_files_and_a_writer() -> None:
    assert set(WRITERS) == set(FILES) == TORCHVISION_SETS


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_sets_of_one_size_are_read_as_they_are(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = WRITERS[name](tmp_path)
    accept_checksums(tmp_path, name, monkeypatch)
    loaded = load(at(name, tmp_path))
    for images, labels, (expected, expected_labels) in (
        (loaded.images, loaded.labels, train),
        (loaded.test_images, loaded.test_labels, test),
    ):
        assert expected is not None
        channels_first = expected[:, None] if expected.ndim == 3 else expected.transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(images, channels_first)
        np.testing.assert_array_equal(labels, expected_labels)
    kind = getattr(tvd, name)
    expected_names = {
        "CIFAR10": tuple(f"class {i}" for i in range(10)),
        "CIFAR100": tuple(f"class {i}" for i in range(100)),
        "SVHN": tuple("0123456789"),
        "STL10": tuple(f"name {i}" for i in range(10)),
    }
    assert loaded.facts.class_names == expected_names.get(name) or tuple(kind.classes)
    assert loaded.facts.num_classes == (100 if name == "CIFAR100" else 10)


@pytest.mark.parametrize("name", sorted(TORCHVISION_SETS - ARRAYS))
def test_photographs_have_torchvisions_labels_and_the_stored_size(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, train), (_, test) = WRITERS[name](tmp_path)
    accept_checksums(tmp_path, name, monkeypatch)
    loaded = load(at(name, tmp_path, 16))
    assert loaded.facts.image_shape == (3, 16, 16)
    np.testing.assert_array_equal(loaded.labels, train)
    np.testing.assert_array_equal(loaded.test_labels, test)
    splits = {"FGVCAircraft": ["trainval"], "OxfordIIITPet": ["trainval"], "DTD": ["train", "val"]}
    splits["Flowers102"] = splits["DTD"]
    kind = getattr(tvd, name)
    rows = [row for split in splits.get(name, ["train"]) for row in kind(str(tmp_path), split=split)]
    assert len(rows) == len(loaded.images)
    for found, (image, label), our_label in zip(loaded.images, rows, loaded.labels, strict=True):
        expected = tv.center_crop(tv.resize(image, 16), 16)
        np.testing.assert_array_equal(found, np.asarray(expected).transpose(2, 0, 1))
        assert our_label == label
    assert loaded.facts.class_names == tuple(kind(str(tmp_path), split="test").classes)
    line = refusal(at(name, tmp_path))
    assert "all images must have the size of the first" in line
    assert "data: {stored_size: 2" in line


def test_default_place_is_the_cache(cache: Path) -> None:
    WRITERS["MNIST"](cache / "torchvision")
    assert describe(Data(name="MNIST")).num_images == 20


def test_fingerprint_does_not_depend_on_the_place_and_follows_the_files(tmp_path: Path) -> None:
    WRITERS["DTD"](tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    first = describe(at("DTD", tmp_path / "one", 8))
    assert describe(at("DTD", tmp_path / "two", 8)) == first
    picture = next((tmp_path / "two/dtd/dtd/images").glob("*/*.jpg"))
    Image.fromarray(np.zeros((30, 30, 3), np.uint8)).save(picture)
    assert describe(at("DTD", tmp_path / "two", 8)).fingerprint != first.fingerprint


def test_checksums_are_torchvisions(tmp_path: Path) -> None:
    WRITERS["CIFAR10"](tmp_path)
    line = refusal(at("CIFAR10", tmp_path))
    assert line.startswith(f"{tmp_path}: the files of CIFAR10 must be as they were published; remove them")
    assert line.endswith("found RuntimeError: Dataset not found or corrupted. You can use download=True to download it")


def test_a_photograph_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    WRITERS["Food101"](tmp_path)
    picture = tmp_path / "food-101/images/waffles/101.jpg"
    picture.write_bytes(picture.read_bytes()[:300])
    assert refusal(at("Food101", tmp_path, 16)).startswith(f"{picture}: must be a")
    picture.unlink()
    assert refusal(at("Food101", tmp_path, 16)) == f"{picture}: must be readable, found: No such file or directory"


def test_labels_out_of_range_and_numbers_that_differ(tmp_path: Path) -> None:
    WRITERS["MNIST"](tmp_path)
    path = tmp_path / "MNIST/raw/t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0b")
    assert refusal(at("MNIST", tmp_path)) == (
        f"{tmp_path}: MNIST: label 9 of the test part must be from 0 to 9, found 11"
    )
    path.write_bytes(b"\x00\x00\x08\x01\x00\x00\x00\x03\x00\x01\x02")
    assert refusal(at("MNIST", tmp_path)) == (
        f"{tmp_path}: test of MNIST must hold images with a label each, found 10 and 3"
    )
    path.write_bytes(b"none")
    assert refusal(at("MNIST", tmp_path)).startswith(f"{tmp_path}: the files of MNIST must be as they were published")


WARM = """
import sys
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data

data = Data(name="FashionMNIST", path=sys.argv[1])
num_images, labels = describe(data).num_images, load(data).labels
print(num_images, len(labels), *sorted({"torch", "torchvision", "PIL.Image"} & set(sys.modules)))
"""


def test_a_warm_start_imports_neither_torchvision_nor_pillow(tmp_path: Path) -> None:
    WRITERS["FashionMNIST"](tmp_path)
    describe(at("FashionMNIST", tmp_path))
    command = [sys.executable, "-c", WARM, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "20 20\n"
