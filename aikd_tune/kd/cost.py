"""What a setting would cost here, from a few real steps on random images."""

import time
from dataclasses import dataclass
from statistics import median

import torch
from torch.nn import functional

from aikd_tune.kd.device import device_kind, device_name, prepare
from aikd_tune.kd.networks import build, num_parameters
from aikd_tune.spec.activity import needs_teacher
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Setting

BUDGET_S = 2.0
"""Time spent on measuring, about."""


@dataclass(frozen=True)
class Cost:
    """Median costs on this machine, and what they were measured on."""

    num_parameters: int
    ce_epoch_s: float
    """An epoch of plain cross-entropy, with its validation."""
    aikd_epoch_s: float
    """The same with the forward of the previous student; the discriminator's own steps are not in it."""
    device: str
    num_steps: int
    """Training steps that were timed."""


def measure(setting: Setting, facts: DataFacts, num_train: int, num_val: int, threads: int) -> Cost:
    """Time training steps and forwards of the setting's network and batch size, for about two seconds."""
    device = device_name()
    prepare(device, threads)
    channels, height, width = facts.image_shape
    network = build(setting.model, channels, facts.num_classes).to(device)
    batch = min(setting.train.batch_size, num_train)
    images = torch.randn(batch, channels, height, width, device=device)
    labels = torch.randint(facts.num_classes, (batch,), device=device)
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-6)

    def step() -> None:
        optimiser.zero_grad()
        functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]  # torch's
        optimiser.step()

    @torch.inference_mode()
    def forward() -> None:
        network(images)

    step_s, num_steps = _median_s(step, device)
    forward_s, _ = _median_s(forward, device)
    steps = max(1, round(num_train / batch))
    ce = steps * step_s + num_val / batch * forward_s
    snapshot = needs_teacher(setting) or setting.distill.previous.weight > 0
    aikd = ce + (steps * forward_s if snapshot and setting.distill.previous.source == "snapshot" else 0.0)
    return Cost(num_parameters(network), ce, aikd, device_kind(device), num_steps)


def _median_s(action: object, device: str) -> tuple[float, int]:
    assert callable(action)
    action()  # the first one allocates
    times: list[float] = []
    started = time.perf_counter()
    while len(times) < 3 or (time.perf_counter() - started < BUDGET_S / 2 and len(times) < 50):
        before = time.perf_counter()
        action()
        if torch.device(device).type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - before)
    return median(times), len(times)
