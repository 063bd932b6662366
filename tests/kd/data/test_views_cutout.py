import pytest
import torch
from placed_levels import draws_of, epoch_views, levels, recipe, whole
from torchvision.transforms import functional as tv

from aikd_tune.kd.data.normalisation import COLOUR
from aikd_tune.kd.data.views.cutout import draw_cutout
from aikd_tune.kd.randomness import generator


@pytest.mark.parametrize(("height", "width", "side"), [(16, 16, 8), (9, 14, 5), (8, 8, 7), (8, 8, 1)])
def test_each_view_is_torchvisions_erase(height: int, width: int, side: int) -> None:
    images = levels(50, (3, height, width))
    plain = whole(epoch_views(images, recipe(), COLOUR))
    found = whole(epoch_views(images, recipe(cutout=side), COLOUR, draws=draws_of(6, 2)))
    drawn = generator(6, "views/cutout", 2)
    rows = torch.randint(0, height, (50,), generator=drawn).tolist()
    columns = torch.randint(0, width, (50,), generator=drawn).tolist()
    for view, image, row, column in zip(found, plain, rows, columns, strict=True):
        top, left = max(row - side // 2, 0), max(column - side // 2, 0)
        bottom, right = min(row - side // 2 + side, height), min(column - side // 2 + side, width)
        assert torch.equal(view, tv.erase(image, top, left, bottom - top, right - left, torch.zeros(())))


def test_the_centre_is_anywhere_in_the_image() -> None:
    corner = draw_cutout(16_000, 4, 8, 3, generator(0, "test")).corner
    centre = corner + 1
    counts = torch.bincount(centre[:, 0] * 8 + centre[:, 1], minlength=32)
    assert len(counts) == 32
    # Binomial(16000, 1/32): standard deviation 22
    assert (counts - 500).abs().max() < 5 * 22
