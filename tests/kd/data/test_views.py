import numpy as np
import pytest
import torch
from torchvision.transforms import functional as tv

from aikd_tune.kd.data import views as views_module
from aikd_tune.kd.data.load import load
from aikd_tune.kd.data.normalisation import COLOUR, DIGITS, GREY, Normalisation, normalisation
from aikd_tune.kd.data.splits import split
from aikd_tune.kd.data.views import draw_raw_views, draw_views, plain, to_pixels
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data, Views

CPU = torch.device("cpu")
CASES = [(Views(shift=1, flip=False), DIGITS, (1, 8, 8)), (Views(shift=4, flip=True), COLOUR, (3, 32, 20))]


def images(num_images: int, shape: tuple[int, int, int], maximum: int) -> torch.Tensor:
    """Raw images (n, C, H, W) of all levels, 0 included."""
    levels = np.random.default_rng(0).integers(0, maximum + 1, (num_images, *shape), dtype=np.uint8)
    return torch.from_numpy(levels)


def parameters(num_images: int, recipe: Views, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What an epoch's generator draws, by its documented order: rows and columns (2, n), mirrored (n,)."""
    assert recipe.shift is not None
    drawn = generator(seed, "views", 1)
    offsets = torch.randint(0, 2 * recipe.shift + 1, (2, num_images), generator=drawn)
    mirrored = torch.randint(0, 2, (num_images,), generator=drawn).bool()
    return offsets, mirrored & torch.tensor(recipe.flip)


@pytest.mark.parametrize(("recipe", "norm", "shape"), CASES)
def test_each_view_is_torchvisions(
    recipe: Views, norm: Normalisation, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_module, "_CHUNK", 16)
    pixels = images(50, shape, norm.maximum)
    drawn = draw_views(pixels, recipe, norm, generator(3, "views", 1))
    offsets, mirrored = parameters(50, recipe, 3)
    assert drawn.dtype == torch.float32
    assert recipe.shift is not None
    for i in range(50):
        padded = tv.pad(pixels[i], [recipe.shift])
        top, left = offsets[:, i].tolist()
        view = tv.crop(padded, top, left, shape[1], shape[2])
        view = tv.hflip(view) if mirrored[i] else view
        expected = tv.normalize(view / norm.maximum, list(norm.mean), list(norm.std))
        torch.testing.assert_close(drawn[i], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("recipe", "norm", "shape"), CASES)
def test_padding_is_zeros_of_the_raw_image(recipe: Views, norm: Normalisation, shape: tuple[int, int, int]) -> None:
    white = torch.full((200, *shape), norm.maximum, dtype=torch.uint8)
    drawn = draw_views(white, recipe, norm, generator(0, "views", 1))
    for channel, (mean, std) in enumerate(zip(norm.mean, norm.std, strict=True)):
        levels = sorted(set(drawn[:, channel].flatten().tolist()))
        assert levels == pytest.approx([-mean / std, (1 - mean) / std], rel=1e-5)


@pytest.mark.parametrize(("recipe", "norm", "shape"), CASES)
def test_one_seed_and_epoch_give_the_same_bits(
    recipe: Views, norm: Normalisation, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = images(70, shape, norm.maximum)
    first = draw_views(pixels, recipe, norm, generator(5, "views", 2))
    torch.manual_seed(1)
    again = draw_views(pixels, recipe, norm, generator(5, "views", 2))
    assert torch.equal(first, again)
    monkeypatch.setattr(views_module, "_CHUNK", 9)
    assert torch.equal(first, draw_views(pixels, recipe, norm, generator(5, "views", 2)))
    for seed, epoch in ((5, 3), (6, 2)):
        assert not torch.equal(first, draw_views(pixels, recipe, norm, generator(seed, "views", epoch)))


def test_normalising_batch_by_batch_gives_the_same_bits() -> None:
    pixels = images(70, (3, 32, 32), 255)
    recipe = Views(shift=4, flip=True)
    whole = draw_views(pixels, recipe, COLOUR, generator(0, "views", 1))
    raw = draw_raw_views(pixels, recipe, generator(0, "views", 1))
    assert raw.dtype == torch.uint8
    batches = torch.cat([plain(batch, COLOUR) for batch in raw.split(16)])
    assert torch.equal(whole, batches)


def test_flips_do_not_move_crops() -> None:
    pixels = images(40, (3, 9, 9), 255)
    still = draw_raw_views(pixels, Views(shift=2, flip=False), generator(0, "views", 1))
    mirrored = draw_raw_views(pixels, Views(shift=2, flip=True), generator(0, "views", 1))
    same = (still == mirrored).flatten(1).all(1)
    assert torch.equal(mirrored[~same], still[~same].flip(3))
    assert 5 < int(same.sum()) < 35


def test_a_recipe_of_nothing_leaves_the_images_as_they_are() -> None:
    pixels = images(10, (1, 8, 8), 16)
    drawn = draw_views(pixels, Views(shift=0, flip=False), DIGITS, generator(0, "views", 1))
    assert torch.equal(drawn, plain(pixels, DIGITS))
    mirrored = draw_raw_views(pixels, Views(shift=0, flip=True), generator(0, "views", 1))
    either = (mirrored == pixels).flatten(1).all(1) | (mirrored == pixels.flip(3)).flatten(1).all(1)
    assert either.all()
    assert not torch.equal(mirrored, pixels)


def test_offsets_are_uniform_and_half_of_the_images_is_mirrored() -> None:
    # One bright pixel left of the centre, too far for any crop to take it across: it tells offsets and flip.
    num_images, shift, width = 20_000, 2, 11
    pixels = torch.zeros((num_images, 1, 9, width), dtype=torch.uint8)
    pixels[:, :, 4, 2] = 1
    drawn = draw_raw_views(pixels, Views(shift=shift, flip=True), generator(0, "views", 1))
    rows, columns = drawn.amax(dim=(1, 3)).argmax(1), drawn.amax(dim=(1, 2)).argmax(1)
    is_mirrored = columns > width // 2
    columns = torch.where(is_mirrored, width - 1 - columns, columns)
    # Binomial(20000, 1/2): standard deviation 71; Binomial(20000, 1/25): 28
    assert abs(int(is_mirrored.sum()) - num_images / 2) < 5 * 71
    counts = torch.bincount((rows - (4 - shift)) * 5 + columns, minlength=25)
    assert len(counts) == 25
    assert (counts - num_images / 25).abs().max() < 5 * 28


def test_drawing_leaves_the_images_alone() -> None:
    pixels = images(20, (3, 8, 8), 255)
    before = pixels.clone()
    draw_views(pixels, Views(shift=0, flip=False), COLOUR, generator(0, "views", 1)).zero_()
    draw_raw_views(pixels, Views(shift=0, flip=False), generator(0, "views", 1)).zero_()
    draw_views(pixels, Views(shift=2, flip=True), COLOUR, generator(0, "views", 1)).zero_()
    assert torch.equal(pixels, before)


def test_plain_is_the_normalised_image() -> None:
    pixels = images(5, (3, 6, 7), 255)
    mean, std = (np.array(values)[:, None, None] for values in (COLOUR.mean, COLOUR.std))
    expected = (pixels.numpy().astype(np.float64) / 255 - mean) / std
    np.testing.assert_allclose(plain(pixels, COLOUR).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_pixels_are_a_copy_in_the_order_of_the_indices() -> None:
    data = Data(test=900, val=500, train=300)
    loaded = load(data)
    indices = split(data, loaded.facts).train
    pixels = to_pixels(loaded.images, indices, CPU)
    assert pixels.shape == (300, 1, 8, 8)
    for i in (0, 7, 299):
        np.testing.assert_array_equal(pixels[i].numpy(), loaded.images[indices[i]])
    pixels.zero_()
    assert loaded.images[indices].any()


def test_digits_constants_are_those_of_the_set() -> None:
    levels = load(Data(test=900)).images / 16
    assert list(DIGITS.mean) == pytest.approx([levels.mean()], abs=5e-5)
    assert list(DIGITS.std) == pytest.approx([levels.std()], abs=5e-5)


def test_each_set_has_its_normalisation() -> None:
    def facts(channels: int) -> DataFacts:
        return DataFacts(10, None, 2, (channels, 8, 8), "", ("a", "b"))

    parquet = Data(name="parquet_images", path="set")
    assert normalisation(Data(test=5), facts(1)) == DIGITS
    assert normalisation(parquet, facts(3)) == COLOUR
    assert normalisation(parquet, facts(1)) == GREY


@pytest.mark.gpu
def test_a_gpu_sees_the_same_views() -> None:
    pixels = images(3000, (3, 32, 32), 255)
    recipe = Views(shift=4, flip=True)
    expected = draw_raw_views(pixels, recipe, generator(0, "views", 1))
    found = draw_raw_views(pixels.to("cuda"), recipe, generator(0, "views", 1))
    assert torch.equal(found.cpu(), expected)
