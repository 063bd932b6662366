from pathlib import Path

import numpy as np
import pytest
import torch
from placed_levels import CPU, draws_of, epoch_views, levels, recipe, whole

from aikd_tune.kd.data.normalisation import COLOUR
from aikd_tune.kd.data.views import Pixels, pixels


def test_images_come_in_the_order_of_the_indices(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", levels(30, (3, 5, 4)).numpy())
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    indices = np.array([7, 29, 0, 11])
    part = Pixels(images, indices, CPU)
    assert len(part) == 4
    assert part.shape == (3, 5, 4)
    np.testing.assert_array_equal(part.take(slice(None)).numpy(), images[indices])
    np.testing.assert_array_equal(part.take(torch.tensor([3, 1])).numpy(), images[[11, 29]])
    part.take(slice(None)).zero_()
    assert images[indices].any()


def test_the_memory_map_is_shared_and_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", levels(30, (3, 5, 4)).numpy())
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    part = Pixels(images, np.arange(30), CPU)
    assert np.shares_memory(part._images, images)
    assert part._resident is None


def test_a_gpus_copy_is_made_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "_BLOCK_BYTES", 4 * 3 * 5 * 4)
    images = levels(30, (3, 5, 4))
    part = Pixels(images.numpy(), np.array([7, 29, 0, 11, 3, 8, 8, 1, 2]), CPU)
    expected = part.take(slice(None))
    part._resident = part._copied()
    assert torch.equal(part._resident, expected)
    assert torch.equal(part.take(torch.tensor([8, 0, 4])), expected[[8, 0, 4]])
    assert torch.equal(part.take(slice(2, 5)), expected[2:5])


def test_images_are_gathered_into_memory_that_a_gpu_can_read() -> None:
    part = Pixels(levels(30, (3, 5, 4)).numpy(), np.array([7, 29, 0]), CPU)
    pinned = torch.empty((2, 3, 5, 4), dtype=torch.uint8)
    part._gathered(np.array([29, 7]), out=pinned.numpy())
    assert torch.equal(pinned, part.take(torch.tensor([1, 0])))


@pytest.mark.gpu
@pytest.mark.parametrize("resident", [True, False])
def test_a_gpu_sees_the_same_views(resident: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "_GPU_SHARE", 1 / 3 if resident else 0.0)
    images = levels(3000, (3, 32, 32))
    exact = recipe(shift=4, flip=True, rotation=15, cutout=8, cutmix=1.0)
    expected = epoch_views(images, exact, COLOUR, draws=draws_of(1))
    found = epoch_views(images, exact, COLOUR, draws=draws_of(1), device=torch.device("cuda"))
    assert (found._pixels._resident is not None) == resident
    assert torch.equal(whole(found).cpu(), whole(expected))
    order = torch.randperm(3000)[:256]
    assert torch.equal(found.rows(order.cuda()).cpu(), expected.rows(order))
    resized = recipe(resized_crop=0.1, flip=True, mixup=0.5)
    torch.testing.assert_close(
        whole(epoch_views(images, resized, COLOUR, 24, device=torch.device("cuda"))).cpu(),
        whole(epoch_views(images, resized, COLOUR, 24)),
        rtol=0,
        atol=1e-3,  # of a level: sums of a matrix product
    )
