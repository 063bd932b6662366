import math

import pytest
import torch
from placed_levels import draws_of, epoch_views, levels, recipe, whole
from torchvision.transforms import functional as tv

from aikd_tune.kd.data.normalisation import COLOUR
from aikd_tune.kd.data.views.rotation import draw_rotation, rotate, rotation_by
from aikd_tune.kd.randomness import generator


def to_tie(degrees: float, height: int, width: int) -> torch.Tensor:
    """How far each result pixel's source (H, W) is from being as near to a second pixel, in pixels, in float64."""
    angle = math.radians(degrees)
    across = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
    down = (torch.arange(height, dtype=torch.float64) - (height - 1) / 2)[:, None]
    column = math.cos(angle) * across - math.sin(angle) * down + (width - 1) / 2
    row = math.sin(angle) * across + math.cos(angle) * down + (height - 1) / 2
    return torch.minimum(*((place - place.floor() - 0.5).abs() for place in (row, column)))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 21, 40), (1, 64, 33)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_each_view_is_torchvisions_rotation(shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    images = (levels(60, shape) // 2 + 100).to(dtype)
    degrees = (2 * torch.rand(60, dtype=torch.float64, generator=generator(0, "test")) - 1) * 180
    found = rotate(images, rotation_by(degrees))
    assert found.dtype == dtype
    different = 0
    for image, view, angle in zip(images, found, degrees.tolist(), strict=True):
        differs = (tv.rotate(image, angle) != view).any(0)
        # Both work in float32, in another order; only a pixel that lies between two may take the other.
        assert (to_tie(angle, *shape[1:])[differs] < 1e-4).all()
        different += int(differs.sum())
    assert different <= 1e-4 * 60 * shape[1] * shape[2]


def test_quarter_turns_are_exact() -> None:
    images = levels(5, (3, 9, 9))
    for turns, degrees in ((1, 90.0), (2, 180.0), (-1, -90.0), (0, 0.0)):
        found = rotate(images, rotation_by(torch.full((5,), degrees, dtype=torch.float64)))
        assert torch.equal(found, torch.rot90(images, turns, (2, 3)))


def test_angles_are_uniform_and_bounded() -> None:
    direction = draw_rotation(20_000, 15.0, generator(0, "test")).direction.double()
    degrees = torch.rad2deg(torch.atan2(direction[:, 1], direction[:, 0]))
    assert degrees.abs().max() <= 15.0001
    assert abs(float(degrees.mean())) < 5 * 15 / math.sqrt(3 * 20_000)
    # Binomial(20000, 1/6): standard deviation 53
    counts = torch.histc(degrees, 6, -15, 15)
    assert (counts - 20_000 / 6).abs().max() < 5 * 53


def test_views_are_rotated_before_they_are_normalised() -> None:
    white = torch.full((50, 3, 16, 16), 255, dtype=torch.uint8)
    drawn = whole(epoch_views(white, recipe(rotation=45), COLOUR, draws=draws_of(2)))
    black = [-mean / std for mean, std in zip(COLOUR.mean, COLOUR.std, strict=True)]
    bright = [(1 - mean) / std for mean, std in zip(COLOUR.mean, COLOUR.std, strict=True)]
    for channel in range(3):
        found = sorted(set(drawn[:, channel].flatten().tolist()))
        assert found == pytest.approx([black[channel], bright[channel]], rel=1e-5)
    expected = rotate(white, draw_rotation(50, 45, generator(2, "views/rotation", 1)))
    assert torch.equal(drawn[:, 0] > 0, expected[:, 0] > 0)
    assert (expected[:, :, 0, 0] == 0).any()
