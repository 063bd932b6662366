"""What an epoch's views cost, beside a DataLoader with torchvision's transforms, and in a ResNet-18's epoch.

    python benchmarks/views_cost.py [--images 50000] [--rounds 8] [--threads 1] [--workers 0 2]

Images of 32x32x3 with random levels, in batches of 128 in a random order, as the steps of an epoch ask for them. The
sides run in turn, in one order and then in the reverse one (ABBA). The training time of an epoch is that of a few
steps of resnet18_cifar, times the steps of the epoch.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from math import comb
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset, default_collate
from torchvision.transforms import v2

from aikd_tune.kd.data.normalisation import COLOUR
from aikd_tune.kd.data.views import EpochViews, Pixels
from aikd_tune.kd.device import device_kind, to_device
from aikd_tune.kd.networks import build
from aikd_tune.kd.optimizer import make_optimizer
from aikd_tune.kd.randomness import generator, seeded
from aikd_tune.spec.fields import Model, Train, Views

SHAPE, BATCH, NUM_CLASSES = (3, 32, 32), 128, 100
CROPS = Views(resized_crop=0.0, shift=4, flip=True)
ALL = CROPS.model_copy(update={"rotation": 15.0, "cutout": 16, "mixup": 0.2, "cutmix": 1.0})
RESIZED = Views(resized_crop=0.08, shift=0, flip=True)
Epoch = Callable[[], None]


class Decoded(Dataset[tuple[Tensor, int]]):
    """Images from the same memory map, transformed one by one."""

    def __init__(self, images: NDArray[np.uint8], transform: v2.Transform) -> None:
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        levels = np.ascontiguousarray(self.images[index].transpose(1, 2, 0))
        return self.transform(Image.fromarray(levels)), index % NUM_CLASSES


def torchvisions(views: Views) -> v2.Transform:
    """The recipe as its users write it."""
    assert views.resized_crop is not None
    if views.resized_crop > 0:
        steps: list[v2.Transform] = [v2.RandomResizedCrop(32, scale=(views.resized_crop, 1.0))]
    else:
        steps = [v2.RandomCrop(32, padding=views.shift)]
    steps.append(v2.RandomHorizontalFlip())
    if views.rotation:
        steps.append(v2.RandomRotation(views.rotation))
    steps += [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(COLOUR.mean, COLOUR.std)]
    if views.cutout:
        share = views.cutout**2 / (SHAPE[1] * SHAPE[2])
        steps.append(v2.RandomErasing(p=1.0, scale=(share, share), ratio=(1.0, 1.0)))
    return v2.Compose(steps)


def loader(images: NDArray[np.uint8], views: Views, workers: int) -> Epoch:
    mixing = None
    if views.mixup or views.cutmix:
        mixing = v2.RandomChoice(
            [
                v2.MixUp(num_classes=NUM_CLASSES, alpha=views.mixup),
                v2.CutMix(num_classes=NUM_CLASSES, alpha=views.cutmix),
            ]
        )

    def collate(samples: list[tuple[Tensor, int]]) -> object:
        batch = default_collate(samples)
        return batch if mixing is None else mixing(*batch)

    batches = DataLoader(
        Decoded(images, torchvisions(views)),
        batch_size=BATCH,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=collate,
    )

    def epoch() -> None:
        for _ in batches:
            pass

    return epoch


def ours(images: NDArray[np.uint8], views: Views) -> Epoch:
    pixels = Pixels(images, np.arange(len(images)), torch.device("cpu"))
    number = 0

    def epoch() -> None:
        nonlocal number
        number += 1
        drawn = EpochViews(pixels, views, COLOUR, SHAPE, lambda purpose: generator(0, purpose, number))
        order = torch.randperm(len(images), generator=generator(0, "order", number))
        for start in range(0, len(order), BATCH):
            drawn.rows(order[start : start + BATCH])

    return epoch


def seconds(epoch: Epoch) -> float:
    started = time.perf_counter()
    epoch()
    return time.perf_counter() - started


def seconds_a_step(num_steps: int) -> list[float]:
    """Of plain training with a batch of 128, after one step that allocates."""
    with seeded(0, "init"):
        network = to_device(build(Model(name="resnet18_cifar", width=64), SHAPE, NUM_CLASSES), "cpu").train()
    optimizer = make_optimizer(network, Train())
    images, labels = torch.randn(BATCH, *SHAPE), torch.arange(BATCH) % NUM_CLASSES

    def step() -> None:
        optimizer.clear_gradient()
        cross_entropy(network(images), labels).backward()
        optimizer.step(0.01)

    return [seconds(step) for _ in range(num_steps + 1)][1:]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The closest order statistics around the median that hold it in at least 95 of 100 cases; n of 6 or more."""
    ordered, n = sorted(values), len(values)
    outside = [2 * sum(comb(n, i) for i in range(k + 1)) / 2**n for k in range(n // 2)]
    k = max((k for k, share in enumerate(outside) if share <= 0.05), default=0)
    return ordered[k], ordered[n - 1 - k]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, nargs="*", default=[0, 2])
    parser.add_argument("--steps", type=int, default=5, help="of resnet18_cifar; 0: no share of an epoch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipes = {"crop, flip": CROPS, "crop, flip, rotation, cutout, mix": ALL, "resized crop, flip": RESIZED}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images.npy")
        np.save(path, np.random.default_rng(0).integers(0, 256, (options.images, *SHAPE), dtype=np.uint8))
        images = np.load(path, mmap_mode="r")
        sides: dict[str, Epoch] = {}
        for name, views in recipes.items():
            sides[f"{name}: ours"] = ours(images, views)
            for workers in options.workers:
                sides[f"{name}: DataLoader, {workers} workers"] = loader(images, views, workers)
        measured: dict[str, list[float]] = {name: [] for name in sides}
        for epoch in sides.values():
            epoch()  # starts workers, reads the images into memory
        for number in range(options.rounds):
            for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
                measured[name].append(seconds(sides[name]))
    steps = seconds_a_step(options.steps) if options.steps else []
    training = median(steps) * -(-options.images // BATCH) if steps else None
    print(f"{device_kind('cpu')}, {options.threads} thread(s), {options.images} images, n = {options.rounds} epochs")
    if training is not None:
        print(f"resnet18_cifar: {median(steps):.2f} s a step of {BATCH} (n = {len(steps)}), {training:.0f} s an epoch")
    print(f"{'':60}{'s/epoch':>8}{'95 %':>17}{'us/image':>10}{'x ours':>8}{'of training':>13}")
    for name, values in measured.items():
        low, high = interval(values)
        times = median(values) / median(measured[f"{name.partition(':')[0]}: ours"])
        share = "" if training is None else f"{100 * median(values) / training:11.2f} %"
        per_image = 1e6 * median(values) / options.images
        print(f"{name:60}{median(values):8.2f}{f'{low:.2f} to {high:.2f}':>17}{per_image:10.1f}{times:8.1f}{share}")


if __name__ == "__main__":
    main()
