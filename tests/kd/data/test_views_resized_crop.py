import math

import numpy as np
import pytest
import torch
from placed_levels import draws_of, epoch_views, levels, recipe, whole
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms import functional as tv

from aikd_tune.kd.data.views.resized_crop import by_products, draw_resized_crop, resized_crop
from aikd_tune.kd.randomness import generator

SHAPES = [((3, 32, 32), (32, 32)), ((1, 23, 37), (16, 16)), ((3, 80, 64), (24, 24)), ((3, 9, 9), (20, 20))]


def torchvisions(
    images: torch.Tensor, boxes: torch.Tensor, size: tuple[int, int], mirrored: torch.Tensor
) -> torch.Tensor:
    views = [
        tv.resized_crop(image.float(), *box, list(size), antialias=True)
        for image, box in zip(images, boxes.tolist(), strict=True)
    ]
    return torch.stack([tv.hflip(view) if flip else view for view, flip in zip(views, mirrored, strict=True)])


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_each_view_is_torchvisions_resized_crop(shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    images = levels(40, shape)
    drawn = draw_resized_crop(40, *shape[1:], 0.05, generator(0, "test"))
    mirrored = torch.arange(40) % 3 == 0
    expected = torchvisions(images, drawn.box, size, mirrored)
    found = resized_crop(images, size, drawn, mirrored)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
    # How a GPU computes the same: within a thousandth of a level.
    products = by_products(images, size, drawn, mirrored)
    torch.testing.assert_close(products, expected, rtol=0, atol=1e-3)


def test_an_epochs_views_are_resized_then_mirrored_and_keep_fractions_of_levels() -> None:
    images = levels(30, (3, 32, 32))
    found = whole(epoch_views(images, recipe(resized_crop=0.2, flip=True), size=24, draws=draws_of(5, 3)))
    drawn = draw_resized_crop(30, 32, 32, 0.2, generator(5, "views/resized_crop", 3))
    flips = generator(5, "views", 3)
    torch.randint(0, 1, (2, 30), generator=flips)
    mirrored = torch.randint(0, 2, (30,), generator=flips).bool()
    assert torch.equal(found, torchvisions(images, drawn.box, (24, 24), mirrored))
    assert not torch.equal(found, found.round())


def boxes_one_by_one(height: int, width: int, least: float, num_images: int, seed: int) -> list[list[int]]:
    """torchvision's algorithm, image by image, from the uniform draws in their documented order."""
    drawn = generator(seed, "test")
    down, right = torch.rand((2, num_images), dtype=torch.float64, generator=drawn).tolist()
    tries = [torch.rand((2, num_images), dtype=torch.float64, generator=drawn).tolist() for _ in range(10)]
    boxes = []
    for i in range(num_images):
        box = None
        for shares, aspects in tries:
            area = height * width * (least + (1 - least) * shares[i])
            aspect = math.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * aspects[i])
            w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < w <= width and 0 < h <= height:
                box = [int(down[i] * (height - h + 1)), int(right[i] * (width - w + 1)), h, w]
                break
        if box is None:
            h, w = height, width
            if width / height < 3 / 4:
                h = round(width / (3 / 4))
            elif width / height > 4 / 3:
                w = round(height * (4 / 3))
            box = [(height - h) // 2, (width - w) // 2, h, w]
        boxes.append(box)
    return boxes


@pytest.mark.parametrize(("height", "width", "least"), [(32, 32, 0.08), (30, 50, 0.3), (24, 16, 0.9), (5, 4, 0.01)])
def test_the_first_of_ten_tries_that_fits_counts(height: int, width: int, least: float) -> None:
    found = draw_resized_crop(1500, height, width, least, generator(8, "test")).box
    assert found.tolist() == boxes_one_by_one(height, width, least, 1500, 8)


@pytest.mark.parametrize(("height", "width"), [(8, 40), (41, 9), (7, 11), (100, 60)])
def test_where_no_try_can_fit_the_centre_is_torchvisions(height: int, width: int) -> None:
    found = draw_resized_crop(400, height, width, 1.0, generator(2, "test")).box
    theirs = RandomResizedCrop.get_params(torch.zeros(1, height, width), [1.0, 1.0], [3 / 4, 4 / 3])
    assert found.unique(dim=0).tolist() == [list(theirs)]


def test_boxes_lie_in_the_image_and_are_distributed_as_torchvisions() -> None:
    height, width, least = 40, 48, 0.08
    found = draw_resized_crop(4000, height, width, least, generator(1, "test")).box.numpy()
    top, left, rows, columns = found.T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + rows <= height).all()
    assert (left + columns <= width).all()
    torch.manual_seed(0)
    image = torch.zeros(1, height, width)
    theirs = np.array([RandomResizedCrop.get_params(image, [least, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)])
    # The greatest distance of two empirical distributions of 4,000 draws each: above 0.0436 in one of 1,000 cases.
    for mine, other in zip(
        (found[:, 2] * found[:, 3], found[:, 3] / found[:, 2], top, left),
        (theirs[:, 2] * theirs[:, 3], theirs[:, 3] / theirs[:, 2], theirs[:, 0], theirs[:, 1]),
        strict=True,
    ):
        points = np.union1d(mine, other)
        distance = np.abs(
            np.searchsorted(np.sort(mine), points, "right") - np.searchsorted(np.sort(other), points, "right")
        ).max()
        assert distance / 4000 < 0.0436


def test_the_least_share_of_the_area_bounds_every_try() -> None:
    box = draw_resized_crop(3000, 100, 100, 0.5, generator(0, "test")).box.double()
    area = box[:, 2] * box[:, 3] / 100**2
    assert area.min() > 0.49  # sides are whole pixels
    # Tries above the image's side are drawn again, so less than half of the areas lie above 0.75.
    assert 0.30 < (area > 0.75).double().mean() < 0.5
