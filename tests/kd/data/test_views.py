import hashlib

import numpy as np
import pytest
import torch
from placed_levels import draws_of, epoch_views, levels, recipe, whole
from torchvision.transforms import functional as tv

from aikd_tune.kd.data.load import load
from aikd_tune.kd.data.normalisation import COLOUR, DIGITS, GREY, Normalisation, normalisation
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data, Views

CASES = [
    (recipe(shift=1), DIGITS, (1, 8, 8)),
    (recipe(shift=4, flip=True), COLOUR, (3, 32, 20)),
]


def parameters(num_images: int, views: Views, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What an epoch's generator draws, by its documented order: rows and columns (2, n), mirrored (n,)."""
    assert views.shift is not None
    drawn = generator(seed, "views", 1)
    offsets = torch.randint(0, 2 * views.shift + 1, (2, num_images), generator=drawn)
    mirrored = torch.randint(0, 2, (num_images,), generator=drawn).bool()
    return offsets, mirrored & torch.tensor(views.flip)


@pytest.mark.parametrize(
    ("views", "norm", "shape", "maximum", "seed", "epoch", "expected"),
    [
        (
            recipe(shift=1),
            DIGITS,
            (70, 1, 8, 8),
            16,
            3,
            2,
            "3208d19851214daa049a0ed2bad1e13a7d013eada55f4bb6bf09e164100ecd82",
        ),
        (recipe(), DIGITS, (70, 1, 8, 8), 16, 3, 2, "2e8af8d361372d61384f49e3a2a1760489253e4ac1ccedce1f90bca8ce921fee"),
        (
            recipe(shift=4, flip=True),
            COLOUR,
            (50, 3, 32, 20),
            250,
            7,
            5,
            "d5cd14d4063449675d1ac88d55c627ff48c156e4f318e45b4b0648bbe13fb95b",
        ),
    ],
)
def test_crops_and_flips_keep_the_bits_that_they_always_had(
    views: Views, norm: Normalisation, shape: tuple[int, ...], maximum: int, seed: int, epoch: int, expected: str
) -> None:
    """Hashes of the views of version 0.1's first code, which drew a whole epoch at once."""
    images = (np.arange(np.prod(shape)) * 7919 % (maximum + 1)).astype(np.uint8).reshape(shape)
    drawn = whole(epoch_views(torch.from_numpy(images), views, norm, draws=draws_of(seed, epoch)))
    assert hashlib.sha256(drawn.numpy().tobytes()).hexdigest() == expected


@pytest.mark.parametrize(("views", "norm", "shape"), CASES)
def test_each_view_is_torchvisions(views: Views, norm: Normalisation, shape: tuple[int, int, int]) -> None:
    images = levels(50, shape, norm.maximum)
    drawn = whole(epoch_views(images, views, norm, draws=draws_of(3)))
    offsets, mirrored = parameters(50, views, 3)
    assert drawn.dtype == torch.float32
    assert views.shift is not None
    for i in range(50):
        padded = tv.pad(images[i], [views.shift])
        top, left = offsets[:, i].tolist()
        view = tv.crop(padded, top, left, shape[1], shape[2])
        view = tv.hflip(view) if mirrored[i] else view
        expected = tv.normalize(view / norm.maximum, list(norm.mean), list(norm.std))
        torch.testing.assert_close(drawn[i], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("views", "norm", "shape"), CASES)
def test_padding_is_zeros_of_the_raw_image(views: Views, norm: Normalisation, shape: tuple[int, int, int]) -> None:
    white = torch.full((200, *shape), norm.maximum, dtype=torch.uint8)
    drawn = whole(epoch_views(white, views, norm))
    for channel, (mean, std) in enumerate(zip(norm.mean, norm.std, strict=True)):
        found = sorted(set(drawn[:, channel].flatten().tolist()))
        assert found == pytest.approx([-mean / std, (1 - mean) / std], rel=1e-5)


def test_flips_do_not_move_crops() -> None:
    images = levels(40, (3, 9, 9))
    still = whole(epoch_views(images, recipe(shift=2)))
    mirrored = whole(epoch_views(images, recipe(shift=2, flip=True)))
    same = (still == mirrored).flatten(1).all(1)
    assert torch.equal(mirrored[~same], still[~same].flip(3))
    assert 5 < int(same.sum()) < 35


def test_a_recipe_of_nothing_leaves_the_images_as_they_are() -> None:
    images = levels(10, (1, 8, 8), 16)
    assert torch.equal(whole(epoch_views(images, recipe())), images.float())
    mirrored = whole(epoch_views(images, recipe(flip=True)))
    either = (mirrored == images).flatten(1).all(1) | (mirrored == images.flip(3)).flatten(1).all(1)
    assert either.all()
    assert not torch.equal(mirrored, images.float())


def test_offsets_are_uniform_and_half_of_the_images_is_mirrored() -> None:
    # One bright pixel left of the centre, too far for any crop to take it across: it tells offsets and flip.
    num_images, shift, width = 20_000, 2, 11
    images = torch.zeros((num_images, 1, 9, width), dtype=torch.uint8)
    images[:, :, 4, 2] = 1
    drawn = whole(epoch_views(images, recipe(shift=shift, flip=True)))
    rows, columns = drawn.amax(dim=(1, 3)).argmax(1), drawn.amax(dim=(1, 2)).argmax(1)
    is_mirrored = columns > width // 2
    columns = torch.where(is_mirrored, width - 1 - columns, columns)
    # Binomial(20000, 1/2): standard deviation 71; Binomial(20000, 1/25): 28
    assert abs(int(is_mirrored.sum()) - num_images / 2) < 5 * 71
    counts = torch.bincount((rows - (4 - shift)) * 5 + columns, minlength=25)
    assert len(counts) == 25
    assert (counts - num_images / 25).abs().max() < 5 * 28


def test_views_are_normalised_as_the_formula_says() -> None:
    images = levels(5, (3, 6, 7))
    mean, std = (np.array(values)[:, None, None] for values in (COLOUR.mean, COLOUR.std))
    expected = (images.numpy().astype(np.float64) / 255 - mean) / std
    drawn = whole(epoch_views(images, recipe(), COLOUR))
    np.testing.assert_allclose(drawn.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_drawing_leaves_the_images_alone() -> None:
    images = levels(20, (3, 8, 8))
    before = images.clone()
    everything = recipe(shift=2, flip=True, rotation=20, cutout=3, mixup=0.4, cutmix=1.0)
    for views in (recipe(), recipe(shift=2, flip=True), everything):
        whole(epoch_views(images, views, COLOUR)).zero_()
    assert torch.equal(images, before)


def test_digits_constants_are_those_of_the_set() -> None:
    scaled = load(Data(test=900)).images / 16
    assert list(DIGITS.mean) == pytest.approx([scaled.mean()], abs=5e-5)
    assert list(DIGITS.std) == pytest.approx([scaled.std()], abs=5e-5)


def test_each_set_has_its_normalisation() -> None:
    def facts(channels: int) -> DataFacts:
        return DataFacts(10, None, 2, (channels, 8, 8), "", ("a", "b"))

    parquet = Data(name="parquet_images", path="set")
    assert normalisation(Data(test=5), facts(1)) == DIGITS
    assert normalisation(parquet, facts(3)) == COLOUR
    assert normalisation(parquet, facts(1)) == GREY
