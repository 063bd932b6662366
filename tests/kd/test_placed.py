from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from aikd_tune.errors import DataError
from aikd_tune.kd import placed
from aikd_tune.kd.data.load import ImageSet, load
from aikd_tune.kd.data.normalisation import DIGITS
from aikd_tune.kd.data.splits import split
from aikd_tune.kd.placed import PlacedImages, place
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data, Views

DATA = Data(test=900, val=500, train=300)
RECIPE = Views(resized_crop=0.0, shift=1, flip=False)


@pytest.fixture(autouse=True)
def nothing_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placed, "_placed", OrderedDict())


def scaled(levels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(levels).float().sub(16 * DIGITS.mean[0]).mul(1 / (16 * DIGITS.std[0]))


def test_each_part_has_the_images_of_its_split() -> None:
    images, parts = load(DATA), split(DATA, load(DATA).facts)
    found = PlacedImages(DATA, "train", "cpu")
    assert len(found) == 300
    assert found.input_shape == (1, 8, 8)
    assert found.labels.tolist() == images.labels[parts.train].tolist()
    for part, indices in ((found.val, parts.val), (found.test(), parts.test)):
        np.testing.assert_array_equal(part.indices, indices)
        np.testing.assert_array_equal(part.labels, images.labels[indices])
        assert len(part.images) == len(indices)
        torch.testing.assert_close(part.images.rows(slice(None)), scaled(images.images[indices]))
    still = found.views(Views(resized_crop=0.0, shift=0, flip=False), lambda purpose: generator(0, purpose))
    torch.testing.assert_close(still.rows(slice(None)), scaled(images.images[parts.train]))


def test_training_on_both_parts_takes_them_in_turn() -> None:
    parts = split(DATA, load(DATA).facts)
    found = PlacedImages(DATA, "train+val", "cpu")
    expected = load(DATA).labels[np.concatenate([parts.train, parts.val])]
    assert found.labels.tolist() == expected.tolist()
    assert len(found.views(RECIPE, lambda purpose: generator(0, purpose))) == 800


def test_trials_of_a_process_share_what_only_their_views_tell_apart() -> None:
    first = place(DATA, "train", "cpu")
    assert place(DATA.model_copy(update={"views": RECIPE}), "train", "cpu") is first


@pytest.mark.parametrize(
    "other",
    [
        {"split_seed": 1},
        {"test": 800},
        {"val": 400},
        {"train": 200},
        {"size": 8},
        {"evaluation": "resize"},
        {"normalization": "half"},
    ],
)
def test_what_changes_the_images_places_them_anew(other: dict[str, object]) -> None:
    first = place(DATA, "train", "cpu")
    assert place(DATA.model_copy(update=other), "train", "cpu") is not first
    assert place(DATA, "train", "cpu") is first


def test_two_splits_are_kept() -> None:
    kept = [place(DATA, train_on, "cpu") for train_on in ("train", "train+val")]
    assert place(DATA, "train", "cpu") is kept[0]
    place(DATA.model_copy(update={"split_seed": 1}), "train", "cpu")
    assert place(DATA, "train", "cpu") is kept[0]  # the one used last
    assert place(DATA, "train+val", "cpu") is not kept[1]


@pytest.fixture
def photographs(monkeypatch: pytest.MonkeyPatch) -> DataFacts:
    """Twelve colour images of 20 columns and 16 rows in the place of the digits."""
    facts = DataFacts(12, None, 2, (3, 16, 20), "f", ("a", "b"))
    images = np.arange(12 * 3 * 16 * 20).astype(np.uint8).reshape(12, 3, 16, 20)
    found = ImageSet(images, np.arange(12) % 2, None, None, facts)
    monkeypatch.setattr(placed, "load", lambda data: found)
    return facts


@pytest.mark.usefixtures("photographs")
def test_the_network_sees_data_size() -> None:
    data = Data(name="parquet_images", path="set", test=2, val=2, size=12)
    found = PlacedImages(data, "train", "cpu")
    assert found.input_shape == found.val.images.shape == (3, 12, 12)
    views = found.views(Views(resized_crop=0.5, shift=0, flip=True), lambda purpose: generator(0, purpose))
    assert views.rows(slice(None)).shape == (8, 3, 12, 12)
    decoded = PlacedImages(data.model_copy(update={"size": None}), "train", "cpu")
    assert decoded.input_shape == decoded.val.images.shape == (3, 16, 20)


@pytest.mark.usefixtures("photographs")
def test_images_are_never_enlarged() -> None:
    data = Data(name="parquet_images", path="set", test=2, val=2, size=17)
    with pytest.raises(DataError) as refused:
        PlacedImages(data, "train", "cpu")
    assert str(refused.value) == "data.size: must be at most the side of the decoded images (20x16), found 17"


@pytest.mark.usefixtures("photographs")
def test_training_images_are_made_smaller_by_a_resized_crop_alone() -> None:
    data = Data(name="parquet_images", path="set", test=2, val=2, size=12)
    with pytest.raises(DataError) as refused:
        PlacedImages(data, "train", "cpu").views(RECIPE, lambda purpose: generator(0, purpose))
    assert str(refused.value) == (
        "data.size: must be the decoded images' side unless data.views.resized_crop is above 0 (20x16), found 12"
    )
