"""The same search as a good user would write it on Ray Tune, OptunaSearch, torch and torchvision alone.

Three variants: (a) loader workers, and phase 1 inside each trial; (b) actors reused and no loader workers; (c) as (b),
with one teacher trained beforehand and shared. Run by study_vs_raw_ray.py:

    python benchmarks/raw_ray.py b settings.json
"""

import copy
import json
import os
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
import torch
from ray import tune
from ray.tune.search.optuna import OptunaSearch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as its users write it
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

NUM_TRAIN, NUM_VAL, EPOCHS, BATCH, CRITIC_STEPS = 300, 500, 30, 64, 5


class Digits(Dataset[tuple[Tensor, int]]):
    def __init__(self, first: int, count: int, transform: v2.Transform) -> None:
        images, labels = load_digits(return_X_y=True)
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))[first : first + count]
        self.images = torch.from_numpy(images).float().view(-1, 1, 8, 8)[order] / 16
        self.labels = torch.from_numpy(labels)[order]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


def loaders(workers: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
    normalise = v2.Normalize([0.3], [0.38])
    train = Digits(0, NUM_TRAIN, v2.Compose([v2.RandomCrop(8, padding=1), normalise]))
    val = Digits(NUM_TRAIN, NUM_VAL, normalise)
    options = {"num_workers": workers, "persistent_workers": workers > 0}
    return (
        DataLoader(train, batch_size=BATCH, shuffle=True, **options),
        DataLoader(val, batch_size=256, **options),
    )


def small_cnn() -> nn.Module:
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if outputs < 64 else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


def discriminator(hidden: str) -> nn.Module:
    widths = [10, *map(int, hidden.split("-"))]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 1))


def sgd(network: nn.Module) -> tuple[torch.optim.Optimizer, Any]:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)


def kl(logits: Tensor, target: Tensor, t: float) -> Tensor:
    return (
        t
        * t
        * F.kl_div(F.log_softmax(logits / t, 1), F.log_softmax(target / t, 1), reduction="batchmean", log_target=True)
    )


@torch.no_grad()
def error(network: nn.Module, loader: DataLoader[Any]) -> float:
    network.eval()
    wrong = sum(int((network(images).argmax(1) != labels).sum()) for images, labels in loader)
    return 100.0 * wrong / NUM_VAL


def train_teacher(train: DataLoader[Any]) -> nn.Module:
    teacher = small_cnn()
    optimizer, schedule = sgd(teacher)
    for _ in range(EPOCHS):
        teacher.train()
        for images, labels in train:
            optimizer.zero_grad()
            F.cross_entropy(teacher(images), labels).backward()
            optimizer.step()
        schedule.step()
    return teacher.eval()


class Student:
    """Phase 2, one epoch at a time."""

    def __init__(self, config: dict[str, Any], teacher: nn.Module) -> None:
        self.config, self.teacher = config, teacher.eval()
        self.network, self.critic = small_cnn(), discriminator(config["hidden"])
        self.optimizer, self.schedule = sgd(self.network)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
        self.previous: nn.Module | None = None
        self.epoch = 0

    def critic_step(self, real: Tensor, fake: Tensor) -> None:
        u = torch.rand(len(real), 1)
        between = (u * real + (1 - u) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        penalty = ((gradient.norm(dim=1) - 1) ** 2).mean()
        loss = self.critic(fake).mean() - self.critic(real).mean() + self.config["gradient_penalty"] * penalty
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()

    def train_epoch(self, loader: DataLoader[Any]) -> None:
        config = self.config
        self.epoch += 1
        self.network.train()
        for images, labels in loader:
            with torch.no_grad():
                z_teacher = self.teacher(images)
                z_previous = self.previous(images) if self.previous else None
            logits = self.network(images)
            loss = F.cross_entropy(logits, labels)
            loss = loss + config["teacher"] * kl(logits, z_teacher, config["temperature"])
            if z_previous is not None:
                weight = config["previous"] * self.epoch / EPOCHS
                loss = loss + weight * kl(logits, z_previous, config["temperature"])
            real = z_teacher - z_teacher.mean(1, keepdim=True)
            fake = logits - logits.mean(1, keepdim=True)
            for _ in range(CRITIC_STEPS):
                self.critic_step(real, fake.detach())
            loss = loss - config["adversarial"] * self.critic(fake).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        self.schedule.step()
        self.previous = copy.deepcopy(self.network).eval()


def trial(config: dict[str, Any]) -> None:
    """Variant (a)."""
    train, val = loaders(workers=1)
    student = Student(config, train_teacher(train))
    for _ in range(EPOCHS):
        student.train_epoch(train)
        tune.report({"val_error": error(student.network, val)})


class Trial(tune.Trainable):
    """Variants (b) and (c): the actor, and the loaders in it, serve one trial after another."""

    def setup(self, config: dict[str, Any], weights: dict[str, Tensor] | None = None) -> None:
        self.weights = weights
        self.train_loader, self.val_loader = loaders(workers=0)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        if self.weights is None:
            teacher = train_teacher(self.train_loader)
        else:
            teacher = small_cnn()
            teacher.load_state_dict(self.weights)
        self.student = Student(new_config, teacher)
        return True

    def step(self) -> dict[str, Any]:
        self.student.train_epoch(self.train_loader)
        value = error(self.student.network, self.val_loader)
        return {"val_error": value, "done": self.student.epoch == EPOCHS}

    def save_checkpoint(self, checkpoint_dir: str) -> None: ...

    def load_checkpoint(self, checkpoint: Any) -> None: ...


def main(variant: str, settings: list[dict[str, Any]]) -> None:
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    space = {
        "temperature": tune.loguniform(1, 10),
        "teacher": tune.loguniform(0.01, 10),
        "previous": tune.loguniform(0.01, 3),
        "adversarial": tune.loguniform(0.001, 0.3),
        "hidden": tune.choice(["32", "128", "256-64"]),
        "gradient_penalty": tune.loguniform(1, 30),
    }
    trainable: Any = trial
    if variant == "b":
        trainable = Trial
    elif variant == "c":
        trainable = tune.with_parameters(Trial, weights=train_teacher(loaders(workers=0)[0]).state_dict())
    with tempfile.TemporaryDirectory() as folder:
        results = tune.Tuner(
            tune.with_resources(trainable, {"cpu": 1}),
            param_space=space,
            tune_config=tune.TuneConfig(
                metric="val_error",
                mode="min",
                num_samples=len(settings),
                max_concurrent_trials=2,
                search_alg=OptunaSearch(points_to_evaluate=settings),
                reuse_actors=variant != "a",
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        ).fit()
        epochs = [result.metrics["training_iteration"] for result in results]
        assert epochs == [EPOCHS] * len(settings), epochs
        print(f"best val_error {results.get_best_result().metrics['val_error']:.2f}")


if __name__ == "__main__":
    main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()))
