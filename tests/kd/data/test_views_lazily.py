"""An image's bits depend neither on what it is asked for with, nor on what else the recipe draws."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from placed_levels import draws_of, epoch_views, levels, pixels_of, recipe, whole
from torch import Tensor

from aikd_tune.kd.data.normalisation import COLOUR
from aikd_tune.kd.data.views import EpochViews, EvaluationImages, ImageSource, TensorImages, computed
from aikd_tune.kd.data.views.recipe import DrawnViews, draw_views
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.fields import Views

NUM_IMAGES = 61
IMAGES = levels(NUM_IMAGES, (3, 19, 19))
ON: dict[str, dict[str, float]] = {
    "crop": {"shift": 3, "flip": True},
    "resized_crop": {"resized_crop": 0.1, "flip": True},
    "rotation": {"rotation": 30.0},
    "cutout": {"cutout": 7},
    "mixup": {"mixup": 0.4},
    "cutmix": {"cutmix": 1.0},
}
ALL = {name: value for fields in ON.values() for name, value in fields.items()} | {"shift": 0}
SOURCES = {name: (recipe(**fields), None) for name, fields in ON.items()} | {
    "all": (recipe(**ALL), 13),
    "all but resized": (recipe(**ALL | ON["crop"] | {"resized_crop": 0.0}), None),
}


@pytest.fixture
def never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computed, "KEPT_BYTES", 0)
    monkeypatch.setattr(computed, "_PART_BYTES", 5 * 4 * 3 * 19 * 19)


def source(name: str) -> EpochViews:
    views, size = SOURCES[name]
    return epoch_views(IMAGES, views, COLOUR, size)


KEPT = {name: whole(source(name)) for name in SOURCES}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.usefixtures("never_kept")
def test_any_part_of_the_views_has_the_bits_of_the_whole(name: str) -> None:
    lazy = source(name)
    order = torch.randperm(NUM_IMAGES, generator=generator(0, "order"))
    assert torch.equal(lazy.rows(order), KEPT[name][order])
    for size in (1, 4, 60):
        asked = [lazy.rows(part) for part in order.split(size)]  # type: ignore[no-untyped-call]  # torch's own
        assert torch.equal(torch.cat(asked), KEPT[name][order])
        assert torch.equal(torch.cat(list(lazy.chunks(size))), KEPT[name])
    assert torch.equal(lazy.rows(slice(7, 31)), KEPT[name][7:31])
    assert torch.equal(lazy.rows(slice(50, None, 3)), KEPT[name][50::3])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, NUM_IMAGES - 1), max_size=70), st.integers(1, 20))
def test_rows_are_those_of_the_whole_for_any_index(index: list[int], part_images: int) -> None:
    rows = torch.tensor(index, dtype=torch.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(computed, "KEPT_BYTES", 0)
        patch.setattr(computed, "_PART_BYTES", part_images * 4 * 3 * 13 * 13)
        found = source("all").rows(rows)
    assert found.shape == (len(index), 3, 13, 13)
    assert torch.equal(found, KEPT["all"][rows])


@pytest.mark.parametrize("name", SOURCES)
def test_one_seed_and_epoch_give_the_same_bits(name: str) -> None:
    views, size = SOURCES[name]
    torch.manual_seed(1)
    assert torch.equal(whole(source(name)), KEPT[name])
    for seed, epoch in ((0, 2), (1, 1)):
        assert not torch.equal(whole(epoch_views(IMAGES, views, COLOUR, size, draws_of(seed, epoch))), KEPT[name])


def test_small_sets_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    inner = EpochViews._computed

    def counted(self: EpochViews, index: Tensor) -> Tensor:
        calls.append(len(index))
        return inner(self, index)

    monkeypatch.setattr(EpochViews, "_computed", counted)
    kept = source("crop")
    assert calls == []
    first = kept.rows(torch.tensor([5, 2]))
    assert calls == [NUM_IMAGES]
    assert torch.equal(kept.rows(slice(None))[[5, 2]], first)
    list(kept.chunks(9))
    assert calls == [NUM_IMAGES]
    monkeypatch.setattr(computed, "KEPT_BYTES", NUM_IMAGES * 4 * 3 * 19 * 19 - 1)
    source("crop").rows(torch.tensor([5, 2]))
    assert calls == [NUM_IMAGES, 2]


@pytest.mark.usefixtures("never_kept")
@pytest.mark.parametrize("evaluation", ["center_crop", "resize"])
def test_images_for_evaluation_have_the_bits_of_the_whole(evaluation: str) -> None:
    def images() -> EvaluationImages:
        return EvaluationImages(pixels_of(IMAGES), evaluation, COLOUR, (3, 12, 12))  # type: ignore[arg-type]  # a literal

    expected = images().rows(slice(None))
    assert expected.shape == (NUM_IMAGES, 3, 12, 12)
    assert torch.equal(torch.cat(list(images().chunks(8))), expected)
    assert torch.equal(images().rows(torch.tensor([60, 0, 3])), expected[[60, 0, 3]])


def drawn(fields: dict[str, float]) -> DrawnViews:
    return draw_views(50, (3, 19, 19), (3, 19, 19), recipe(**fields), draws_of(4))


def combinations() -> Iterator[tuple[str, ...]]:
    names = [name for name in ON if name != "crop"]
    for number in range(2 ** len(names)):
        yield tuple(name for bit, name in enumerate(names) if number >> bit & 1)


def test_no_transform_moves_the_draws_of_another() -> None:
    alone = {name: drawn(fields) for name, fields in ON.items()}
    for names in combinations():
        together = drawn(ON["crop"] | {field: value for name in names for field, value in ON[name].items()})
        assert torch.equal(together.crop.offsets, alone["crop"].crop.offsets)
        assert torch.equal(together.crop.mirrored, alone["crop"].crop.mirrored)
        for part, field in (("resized_crop", "box"), ("rotation", "direction"), ("cutout", "corner")):
            found = getattr(together, part)
            assert (found is None) == (part not in names)
            if found is not None:
                assert torch.equal(getattr(found, field), getattr(getattr(alone[part], part), field))
        assert (together.mix is None) == ("mixup" not in names and "cutmix" not in names)
        if together.mix is not None:
            first = alone["mixup" if "mixup" in names else "cutmix"].mix
            assert first is not None
            assert torch.equal(together.mix.partner, first.partner)


def test_a_generator_is_asked_for_only_by_what_is_on() -> None:
    purposes = {
        "crop": {"views"},
        "resized_crop": {"views", "views/resized_crop"},
        "rotation": {"views", "views/rotation"},
        "cutout": {"views", "views/cutout"},
        "mixup": {"views", "views/mix"},
        "cutmix": {"views", "views/mix"},
    }
    for name, expected in purposes.items():
        asked: list[str] = []

        def draws(purpose: str, asked: list[str] = asked) -> torch.Generator:
            asked.append(purpose)
            return generator(0, purpose)

        draw_views(50, (3, 19, 19), (3, 19, 19), recipe(**ON[name]), draws)
        assert sorted(asked) == sorted(expected)


def test_images_that_are_tensors_already_are_a_source_too() -> None:
    images: ImageSource = TensorImages(KEPT["crop"])
    assert len(images) == NUM_IMAGES
    assert images.shape == (3, 19, 19)
    assert torch.equal(images.rows(torch.tensor([9, 1])), KEPT["crop"][[9, 1]])
    assert [len(chunk) for chunk in images.chunks(25)] == [25, 25, 11]
    assert torch.equal(torch.cat(list(images.chunks(25))), KEPT["crop"])


def test_the_recipe_must_be_resolved() -> None:
    with pytest.raises(AssertionError, match="a resolved recipe has no defaults left"):
        epoch_views(IMAGES, Views())
