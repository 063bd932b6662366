"""An AI-KD epoch over a plain cross-entropy epoch of the same network, beside the usual way to write it.

    python benchmarks/epoch_cost.py [--rounds 7] [--steps 8] [--width 64] [--threads 2] [--device cpu] [--compile]

resnet18_cifar on 32x32 images, 100 classes, batch 128, one critic step, teacher's tables warm. The usual way has both
frozen networks, a discriminator under autograd and torch.optim inside the step. All four train side by side, an epoch
each in turn, in one order and then in the reverse one (ABBA); a ratio is taken within a round. An epoch here is
``--steps`` long, so what belongs to epochs alone is left out of all four: the recalibration of batch norm that fewer
than 40 steps need, and all but 100 images of validation.
"""

import argparse
import copy
import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.append(str(Path(__file__).parent))

from aikd_tune.kd import training
from aikd_tune.kd.device import device_kind, peak_memory_gib
from aikd_tune.kd.networks import build
from aikd_tune.kd.precision import autocast
from aikd_tune.kd.randomness import generator
from aikd_tune.kd.trial import TrialRun
from aikd_tune.spec import Setting
from aikd_tune.spec.defaults import fill

BATCH = 128
CASES = {"ce": {"method": "ce"}, "ai-kd, snapshot": {}, "ai-kd, table": {"previous": {"source": "table"}}}
USUAL = "the usual way"


def setting_of(distill: dict[str, object], options: argparse.Namespace) -> Setting:
    return fill(
        Setting.model_validate(
            {
                "data": {
                    "name": "random_images:load",
                    "test": 100,
                    "val": 100,
                    "train": BATCH * options.steps,
                    "views": {"shift": 4, "flip": True},
                },
                "model": {"name": "resnet18_cifar", "width": options.width},
                "train": {
                    "epochs": options.rounds + 2,
                    "batch_size": BATCH,
                    "precision": options.precision,
                    "compile": options.compile,
                },
                "teacher": {"epochs": 1},
                "distill": distill,
            }
        )
    )


class UsualWay:
    """As it is commonly written: the frozen networks forward every batch."""

    def __init__(self, run: TrialRun, options: argparse.Namespace) -> None:
        self.setting, self.images, self.options = run._setting, run._images, options
        self.network, self.teacher = self.fresh(), self.fresh().eval()
        self.previous: nn.Module | None = None
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([100, 256, 64]):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
        self.critic = nn.Sequential(*layers, nn.Linear(64, 1)).to(options.device)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4
        )
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=1e-4, betas=(0.5, 0.9))
        self.epoch = 0

    def fresh(self) -> nn.Module:
        network = build(self.setting.model, self.images.input_shape, 100)
        return network.to(self.options.device, memory_format=torch.channels_last)

    def critic_step(self, real: Tensor, fake: Tensor) -> None:
        u = torch.rand(len(real), 1, device=real.device)
        between = (u * real + (1 - u) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        penalty = ((gradient.norm(dim=1) - 1) ** 2).mean()
        loss = self.critic(fake).mean() - self.critic(real).mean() + 10.0 * penalty
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()

    def run_epoch(self) -> None:
        self.epoch += 1
        views = self.images.views(self.setting.data.views, lambda purpose: generator(0, purpose, self.epoch))
        order = torch.randperm(len(views))
        self.network.train()
        for start in range(0, len(views), BATCH):
            index = order[start : start + BATCH]
            images, labels = views.rows(index), self.images.labels[index.to(self.options.device)]
            with autocast(self.options.precision, self.options.device):
                with torch.no_grad():
                    z_teacher = self.teacher(images).float()
                    z_previous = self.previous(images).float() if self.previous else None
                logits = self.network(images).float()
            real, fake = z_teacher - z_teacher.mean(1, keepdim=True), logits - logits.mean(1, keepdim=True)
            self.critic_step(real, fake.detach())
            loss = functional.cross_entropy(logits, labels) + 0.3 * kl(logits, z_teacher)
            loss = loss - 0.01 * self.critic(fake).mean()
            if z_previous is not None:
                loss = loss + 0.3 * kl(logits, z_previous)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        self.previous = copy.deepcopy(self.network).eval()


def kl(logits: Tensor, target: Tensor, t: float = 4.0) -> Tensor:
    p, q = functional.log_softmax(target / t, 1), functional.log_softmax(logits / t, 1)
    return t * t * functional.kl_div(q, p, reduction="batchmean", log_target=True)


def trial(name: str, options: argparse.Namespace, stored: dict[str, bytes]) -> TrialRun:
    run = TrialRun(
        setting_of(CASES[name], options),
        0,
        get=stored.get,
        put=stored.__setitem__,
        device=options.device,
        threads=options.threads,
    )
    while run.in_phase_1:
        run.advance(seconds=0)
    student = run._started_student()
    if student._teacher is not None:
        for epoch in range(1, options.rounds + 3):  # phase 1 and its tables belong to the study, not to a trial
            views = run._images.views(run._setting.data.views, lambda purpose, e=epoch: generator(0, purpose, e))
            student._teacher(epoch, views)
    run.forwards.clear()
    return run


def interval(values: list[float]) -> str:
    """Median and its 95 % interval by resampling."""
    draws = np.random.Generator(np.random.PCG64(0))
    medians = [median(draws.choice(values, len(values))) for _ in range(2_000)]
    low, high = np.quantile(medians, [0.025, 0.975])
    return f"{median(values):.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    training.needs_recalibration = lambda num_steps: False
    stored: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["AIKD_TUNE_CACHE"] = cache
        runs = {name: trial(name, options, stored) for name in CASES}
        usual = UsualWay(runs["ce"], options)
        epochs: dict[str, Callable[[], object]] = {
            name: lambda run=run: run.advance(seconds=0) for name, run in runs.items()
        }
        epochs[USUAL] = usual.run_epoch
        seconds: dict[str, list[float]] = {name: [] for name in epochs}
        for number in range(options.rounds + 1):
            for name in list(epochs)[:: 1 if number % 2 == 0 else -1]:
                synchronise(options.device)
                started = time.perf_counter()
                epochs[name]()
                synchronise(options.device)
                seconds[name].append(time.perf_counter() - started)
    num_images = BATCH * options.steps
    print(
        f"resnet18_cifar width {options.width}, {options.steps} steps of {BATCH}, {options.precision}, "
        f"{device_kind(options.device)}, {options.threads} threads, peak {peak_memory_gib(options.device):.2f} GiB; "
        f"medians of n = {options.rounds} rounds with 95 % intervals, the first round (no previous student) left out"
    )
    print(f"{'':18}{'ms/epoch':>9}{'images/s':>9}   x CE within a round          forwards per image and epoch")
    for name, values in seconds.items():
        ratios = [value / ce for value, ce in zip(values[1:], seconds["ce"][1:], strict=True)]
        counts = (
            counted(runs[name], num_images * (options.rounds + 1)) if name in runs else "train 1, previous 1, teacher 1"
        )
        middle = median(values[1:])
        print(f"{name:18}{1e3 * middle:9.0f}{num_images / middle:9.0f}   {interval(ratios):29}{counts}")


def counted(run: TrialRun, num_images: int) -> str:
    return ", ".join(f"{name} {run.forwards[name] / num_images:.3g}" for name in ("train", "previous", "teacher"))


def synchronise(device: str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
