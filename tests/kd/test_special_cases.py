"""Special cases of the loss against the other methods' own forms: all parameters after every step of two epochs."""

import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_trials import NUM_TRAIN, Store, setting, trial, without_teacher
from torch import Tensor, nn
from torch.nn import functional

from aikd_tune.kd import training
from aikd_tune.kd.networks import build
from aikd_tune.kd.placed import place
from aikd_tune.kd.randomness import generator, seeded
from aikd_tune.kd.step import Learner
from aikd_tune.spec.defaults import fill
from aikd_tune.spec.fields import Setting

SEED = 5
Loss = Callable[[int, Tensor, Tensor, Tensor, Tensor], Tensor]  # epoch, images, logits, labels, image numbers


def draws(prefix: str, epoch: int) -> Callable[[str], torch.Generator]:
    return lambda purpose: generator(SEED, prefix + purpose, epoch)


def transcription(
    chosen: Setting, epochs: int, loss_of: Loss, prefix: str = ""
) -> tuple[nn.Module, list[list[Tensor]]]:
    """A plain training loop around ``loss_of``; the network, and copies of all parameters after every step."""
    images, chosen = place(chosen.data, "train", "cpu"), fill(chosen)
    with seeded(SEED, prefix + "init"):
        network = build(chosen.model, (1, 8, 8), 10)
    sgd = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    steps = []
    for epoch in range(1, epochs + 1):
        sgd.param_groups[0]["lr"] = 0.05 / 2 * (1 + torch.cos(torch.tensor(torch.pi * (epoch - 1) / epochs))).item()
        views = images.views(chosen.data.views, draws(prefix, epoch)).rows(slice(None))
        order = torch.randperm(NUM_TRAIN, generator=generator(SEED, prefix + "order", epoch))
        for which in (order[:64], order[64:]):  # 64 + 65: the single last image joins
            network.train()
            logits = network(views[which])
            loss = loss_of(epoch, views[which], logits, images.labels[which], which)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            steps.append([parameter.detach().clone() for parameter in network.parameters()])
    return network, steps


def ours(chosen: Setting, store: Store, monkeypatch: pytest.MonkeyPatch) -> list[list[Tensor]]:
    """The student's parameters after every step of a trial."""
    steps = []
    original = training.step

    def recorded(learner: Learner, *rest: Any) -> Any:
        record = original(learner, *rest)
        steps.append([parameter.detach().clone() for parameter in learner.forward.network.parameters()])
        return record

    run = trial(chosen, store, SEED)
    while run.in_phase_1:
        run.advance(seconds=0)
    assert run.epoch == 0
    monkeypatch.setattr(training, "step", recorded)
    run.advance()
    return steps


def same(ours: list[list[Tensor]], theirs: list[list[Tensor]]) -> None:
    assert len(ours) == len(theirs) == 4
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("distill", [{"method": "ce"}, {"previous": {"weight": 0.0}}])
def test_all_weights_but_one_at_zero_is_cross_entropy(distill: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = without_teacher(**distill).model_copy(update={"train": setting(train={"epochs": 2}).train})

    def loss(epoch: int, images: Tensor, logits: Tensor, labels: Tensor, which: Tensor) -> Tensor:
        return nn.CrossEntropyLoss()(logits, labels)

    same(ours(chosen, Store(), monkeypatch), transcription(chosen, 2, loss)[1])


def test_label_smoothing_is_its_own_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = setting({"method": "label_smoothing"}, {"epochs": 2, "label_smoothing": 0.1})

    def loss(epoch: int, images: Tensor, logits: Tensor, labels: Tensor, which: Tensor) -> Tensor:
        target = torch.full_like(logits, 0.1 / 10)
        target[torch.arange(len(labels)), labels] = 1 - 0.1 + 0.1 / 10
        return -(target * logits.log_softmax(1)).sum(1).mean()

    same(ours(chosen, Store(), monkeypatch), transcription(chosen, 2, loss)[1])


def ps_kd(alpha: float, epochs: int) -> Loss:
    """PS-KD's public code: soft targets (1 - a_e) one-hot + a_e q, where q is the image's last prediction."""
    past = torch.zeros(NUM_TRAIN, 10)

    def loss(epoch: int, images: Tensor, logits: Tensor, labels: Tensor, which: Tensor) -> Tensor:
        one_hot = functional.one_hot(labels, 10).float()
        last = one_hot if epoch == 1 else past[which]
        weight = alpha * epoch / epochs
        target = (1 - weight) * one_hot + weight * last
        past[which] = logits.detach().softmax(1)
        return torch.mean(torch.sum(-target * functional.log_softmax(logits, dim=1), 1))

    return loss


def ps_kd_setting(ce: Any) -> Setting:
    previous = {"weight": 0.8, "ramp": "linear", "source": "table", "temperature": 1.0}
    chosen = without_teacher(ce=ce, previous=previous)
    return chosen.model_copy(update={"train": setting(train={"epochs": 2}).train})


def test_complement_with_the_table_is_ps_kd(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = ps_kd_setting("complement")
    same(ours(chosen, Store(), monkeypatch), transcription(chosen, 2, ps_kd(0.8, 2))[1])


def test_ce_of_one_is_not_ps_kd(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = ps_kd_setting(1.0)
    mine, theirs = ours(chosen, Store(), monkeypatch), transcription(chosen, 2, ps_kd(0.8, 2))[1]
    torch.testing.assert_close(mine[1], theirs[1], rtol=1e-4, atol=2e-6)  # the first epoch has no previous
    assert (mine[-1][0] - theirs[-1][0]).abs().max() > 1e-4


def test_teacher_term_is_tf_kd_self(monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, multiplier, temperature, num_classes = 0.9, 5.0, 6.0, 10
    chosen = setting(
        {
            "ce": 1 - alpha,
            "teacher": {"weight": alpha * multiplier / num_classes, "temperature": temperature},
            "previous": {"weight": 0.0},
            "adversarial": {"weight": 0.0},
        },
        {"epochs": 2},
    )

    def phase_1(epoch: int, images: Tensor, logits: Tensor, labels: Tensor, which: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels)

    teacher, _ = transcription(chosen, 2, phase_1, "teacher/")
    store = Store()
    mine = ours(chosen, store, monkeypatch)
    stored = torch.load(io.BytesIO(next(iter(v for k, v in store.blobs.items() if k.endswith("weights.pt")))[:-32]))
    for name, parameter in teacher.named_parameters():
        torch.testing.assert_close(parameter.detach(), stored["network"][name], rtol=1e-4, atol=2e-6)
    teacher.load_state_dict(stored["network"])  # with the recomputed statistics, which have a test of their own

    def tf_kd(epoch: int, images: Tensor, logits: Tensor, labels: Tensor, which: Tensor) -> Tensor:
        teacher.eval()
        with torch.no_grad():
            targets = teacher(images)
        # the public code's default reduction, a mean over images and classes
        log_q, p = (logits / temperature).log_softmax(1), (targets / temperature).softmax(1)
        kl = functional.kl_div(log_q, p, reduction="none").mean()
        return (1 - alpha) * functional.cross_entropy(logits, labels) + alpha * kl * temperature**2 * multiplier

    same(mine, transcription(chosen, 2, tf_kd)[1])


def test_snapshot_is_the_evaluated_student_of_the_epoch_before(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = without_teacher(previous={"weight": 0.7, "ramp": "constant", "temperature": 3.0})
    chosen = chosen.model_copy(update={"train": setting(train={"epochs": 2}).train})
    images = place(chosen.data, "train", "cpu")

    def loss(epoch: int, images_: Tensor, logits: Tensor, labels: Tensor, which: Tensor) -> Tensor:
        ce = functional.cross_entropy(logits, labels)
        if epoch == 1:
            return ce
        with torch.no_grad():
            targets = previous(images_)
        p, q = (targets / 3).softmax(1), (logits / 3).softmax(1)
        return ce + 0.7 * 9 * (p * (p.log() - q.log())).sum(1).mean()

    run = trial(chosen, Store(), SEED)
    run.advance(until_epoch=1)
    assert run._student is not None
    previous = copy.deepcopy(run._student.network).eval()
    views = images.views(fill(chosen).data.views, draws("", 1)).rows(slice(None))
    with torch.no_grad():
        first_layer = previous.conv1(views).double()  # of all views of the epoch, with its last weights
    torch.testing.assert_close(previous.norm1.running_mean.double(), first_layer.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    mine = ours(chosen, Store(), monkeypatch)
    same(mine, transcription(chosen, 2, loss)[1])
