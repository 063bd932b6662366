import pytest
import torch
from placed_levels import levels, pixels_of
from torchvision.transforms import functional as tv

from aikd_tune.kd.data.normalisation import COLOUR
from aikd_tune.kd.data.views import EvaluationImages

SHAPES = [((3, 32, 32), (28, 28)), ((3, 21, 16), (11, 11)), ((3, 16, 16), (16, 16)), ((3, 40, 41), (13, 13))]


def normalised(levels_: torch.Tensor) -> torch.Tensor:
    return tv.normalize(levels_ / 255, list(COLOUR.mean), list(COLOUR.std))


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_images_are_cropped_about_their_centre(shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    images = levels(12, shape)
    found = EvaluationImages(pixels_of(images), "center_crop", COLOUR, (3, *size))
    assert found.shape == (3, *size)
    expected = normalised(tv.center_crop(images, list(size)))
    torch.testing.assert_close(found.rows(slice(None)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_images_are_resized_whole(shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    images = levels(12, shape)
    found = EvaluationImages(pixels_of(images), "resize", COLOUR, (3, *size))
    expected = normalised(tv.resize(images.float(), list(size), antialias=True))
    torch.testing.assert_close(found.rows(slice(None)), expected, rtol=1e-5, atol=1e-5)


def test_the_decoded_shape_is_kept_where_no_size_is_asked_for() -> None:
    images = levels(5, (3, 9, 14))
    for evaluation in ("center_crop", "resize"):
        found = EvaluationImages(pixels_of(images), evaluation, COLOUR, (3, 9, 14))  # type: ignore[arg-type]  # literals
        torch.testing.assert_close(found.rows(slice(None)), normalised(images), rtol=1e-5, atol=1e-6)
