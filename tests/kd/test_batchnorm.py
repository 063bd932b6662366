from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aikd_tune.kd.batchnorm import batches, near_equal, needs_recalibration, recalibrate
from aikd_tune.kd.data.views import TensorImages
from aikd_tune.kd.forward import Forward


@pytest.mark.parametrize(
    ("num_images", "batch_size", "sizes"),
    [
        (128, 64, [64, 64]),
        (130, 64, [64, 64, 2]),
        (129, 64, [64, 65]),
        (65, 64, [65]),
        (64, 64, [64]),
        (3, 64, [3]),
        (1, 64, [1]),
        (5, 2, [2, 3]),
    ],
)
def test_last_batch_of_one_image_joins_the_one_before(num_images: int, batch_size: int, sizes: list[int]) -> None:
    bounds = batches(num_images, batch_size)
    assert [hi - lo for lo, hi in bounds] == sizes
    assert bounds[0][0] == 0
    assert bounds[-1][1] == num_images
    assert all(before[1] == after[0] for before, after in pairwise(bounds))


def test_few_steps_are_fewer_than_forty() -> None:
    assert needs_recalibration(39)
    assert not needs_recalibration(40)


def test_statistics_are_the_plain_average_over_near_equal_chunks() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3)
    norm.running_mean.fill_(7.0)
    images = torch.randn(1100, 3, 2, 2) * 2 + 1
    assert recalibrate(Forward(norm, "fp32", "cpu"), [norm], TensorImages(images)) == 1100

    chunks = np.array_split(images.double().numpy(), 3)  # 367, 367, 366: none above 512
    flat = [chunk.transpose(1, 0, 2, 3).reshape(3, -1) for chunk in chunks]
    np.testing.assert_allclose(norm.running_mean, np.mean([c.mean(1) for c in flat], axis=0), rtol=1e-5)
    np.testing.assert_allclose(norm.running_var, np.mean([c.var(1, ddof=1) for c in flat], axis=0), rtol=1e-5)
    assert norm.momentum == 0.1


def test_recalibration_leaves_weights_and_needs_norms() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    before = [parameter.clone() for parameter in network.parameters()]
    recalibrate(Forward(network, "fp32", "cpu"), [network[1]], TensorImages(torch.randn(8, 1, 5, 5)))
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert recalibrate(Forward(nn.Flatten(), "fp32", "cpu"), [], TensorImages(torch.randn(8, 1, 5, 5))) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 600))
def test_chunks_are_those_of_tensor_split(num_images: int, greatest: int) -> None:
    chunks = np.array_split(np.arange(num_images), -(-num_images // greatest))
    assert near_equal(num_images, greatest) == [(chunk[0], chunk[-1] + 1) for chunk in chunks]


def test_predictions_use_running_statistics_in_chunks_of_512() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(1)
    sizes = []
    norm.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    images = torch.randn(1025, 1, 2, 2)
    logits = Forward(norm, "fp32", "cpu").predict(TensorImages(images)).logits
    assert sizes == [512, 512, 1]
    torch.testing.assert_close(logits, images / (1 + 1e-5) ** 0.5)
    assert not logits.requires_grad


def test_recalibration_leaves_dropout_off() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3)
    images = torch.randn(20, 3, 4, 4)
    plain, dropped = nn.Sequential(nn.BatchNorm2d(3)), nn.Sequential(nn.Dropout(0.9), norm)
    recalibrate(Forward(plain, "fp32", "cpu"), [plain[0]], TensorImages(images))
    recalibrate(Forward(dropped, "fp32", "cpu"), [norm], TensorImages(images))
    assert torch.equal(norm.running_mean, plain[0].running_mean)


@pytest.mark.parametrize(
    ("side", "on_cpu", "on_gpu"),
    [(8, 512, 512), (32, 64, 512), (64, 16, 512), (96, 16, 227), (224, 16, 41), (999, 16, 16)],
)
def test_larger_images_come_in_smaller_chunks(side: int, on_cpu: int, on_gpu: int) -> None:
    images = TensorImages(torch.empty(1, 1, side, side))
    assert Forward(nn.Flatten(), "fp32", "cpu").chunk_images(images) == on_cpu
    assert Forward(nn.Flatten(), "fp32", "cuda:1").chunk_images(images) == on_gpu
