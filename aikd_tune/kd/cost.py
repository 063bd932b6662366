"""What a setting would cost here, from a few real steps on random images."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch.nn import functional

from aikd_tune.kd.device import device_kind, device_name, prepare, to_device
from aikd_tune.kd.networks import build, num_parameters
from aikd_tune.kd.optimizer import make_optimizer
from aikd_tune.kd.precision import autocast
from aikd_tune.spec.activity import needs_teacher
from aikd_tune.spec.defaults import fill_data
from aikd_tune.spec.facts import DataFacts, input_shape
from aikd_tune.spec.fields import Setting

BUDGET_S = 2.0
"""Time spent on measuring, about."""

_PROBE_IMAGES = 4


@dataclass(frozen=True)
class Cost:
    """Median costs on this machine, and what they were measured on."""

    num_parameters: int
    ce_epoch_s: float
    """An epoch of plain cross-entropy, with its validation."""
    aikd_epoch_s: float
    """The same with the forward of the previous student; the discriminator's own steps are not in it."""
    device: str
    threads: int
    """As many as asked for, or as the machine has cores."""
    num_steps: int
    """Training steps that were timed."""
    num_images: int
    """Images in each of them."""


def measure(setting: Setting, facts: DataFacts, num_train: int, num_val: int, threads: int) -> Cost:
    """Time training steps and forwards of the setting's network and batch size, for about two seconds.

    Where a whole batch would take longer than that, smaller ones are timed and scaled up.
    """
    device = device_name()
    threads = min(threads, os.cpu_count() or threads)
    prepare(device, threads)
    train = setting.train
    shape = input_shape(fill_data(setting.data).size, facts)
    network = to_device(build(setting.model, shape, facts.num_classes), device, train.channels_last)
    optimizer = make_optimizer(network, train)

    def step(num_images: int) -> Callable[[], None]:
        images = torch.randn(num_images, *shape, device=device)
        labels = torch.randint(facts.num_classes, (num_images,), device=device)

        def act() -> None:
            optimizer.clear_gradient()
            with autocast(train.precision, device):
                logits = network(images)
            functional.cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
            optimizer.step(1e-6)

        return act

    def forward(num_images: int) -> Callable[[], None]:
        images = torch.randn(num_images, *shape, device=device)

        @torch.inference_mode()
        def act() -> None:
            with autocast(train.precision, device):
                network(images)

        return act

    batch = min(train.batch_size, num_train)
    probe_s = _median_s(step(min(batch, _PROBE_IMAGES)), device, least=1)[0] / min(batch, _PROBE_IMAGES)
    timed = max(min(batch, _PROBE_IMAGES), min(batch, int(BUDGET_S / 8 / probe_s)))
    step_s, num_steps = _median_s(step(timed), device)
    forward_s, _ = _median_s(forward(timed), device)
    ce = (num_train * step_s + num_val * forward_s) / timed
    snapshot = needs_teacher(setting) or setting.distill.previous.weight > 0
    uses_forward = snapshot and setting.distill.previous.source == "snapshot"
    aikd = ce + (num_train * forward_s / timed if uses_forward else 0.0)
    return Cost(num_parameters(network), ce, aikd, device_kind(device), threads, num_steps, timed)


def _median_s(action: Callable[[], None], device: str, least: int = 3) -> tuple[float, int]:
    action()  # the first one allocates
    times: list[float] = []
    started = time.perf_counter()
    while len(times) < least or (time.perf_counter() - started < BUDGET_S / 2 and len(times) < 50):
        before = time.perf_counter()
        action()
        if torch.device(device).type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - before)
    return median(times), len(times)
