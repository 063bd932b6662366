"""Every option that carries state: three epochs, a kill, and three more are the six of a trial that never stopped."""

import shutil
from typing import Any

import pytest
import torch
from small_trials import Store, setting, timeless, trial
from test_resume import final, same_numbers

from aikd_tune.spec.fields import Setting
from aikd_tune.spec.leaves import flatten, unflatten

EPOCHS = 6
STEPS = {"train.lr_schedule": "step", "train.lr_milestones": "2-4", "train.lr_warmup_epochs": 2}
OPTIONS: dict[str, dict[str, Any]] = {
    "adam": {"train.optimizer": "adam", "train.lr": 1e-3},
    "adamw, decay on weights": {"train.optimizer": "adamw", "train.lr": 1e-3, "train.weight_decay_on": "weights"},
    "decay on weights": {"train.weight_decay_on": "weights"},
    "step schedule with warm-up, clipping": {**STEPS, "train.gradient_clip": 0.5},
    "bf16": {"train.precision": "bf16"},
    "fp16": {"train.precision": "fp16"},
    "contiguous": {"train.channels_last": False},
    "bce, spectral norm": {"distill.adversarial.objective": "bce", "distill.adversarial.spectral_norm": True},
    "hinge, probabilities": {
        "distill.adversarial.objective": "hinge",
        "distill.adversarial.input": "probabilities",
        "distill.adversarial.temperature": 2.0,
    },
    "log-probabilities": {"distill.adversarial.input": "log_probabilities"},
    "features": {"distill.adversarial.input": "features"},
    "critic warm-up": {"distill.adversarial.warmup_epochs": 4},
    "table": {"distill.previous.source": "table"},
    "start from the teacher": {"distill.start": "teacher"},
    "start from its first weights": {"distill.start": "teacher_init"},
    "best teacher": {"teacher.checkpoint": "best"},
    "every view": {
        "data.views.flip": True,
        "data.views.rotation": 15.0,
        "data.views.cutout": 3,
        "data.views.mixup": 0.4,
        "data.views.cutmix": 1.0,
    },
    "resized crops": {"data.views.resized_crop": 0.3, "data.size": 8},
    "dropout": {"model.name": "dropout_nets:build", "model.arguments": "dropout=0.3"},
}


def chosen_of(changes: dict[str, Any]) -> Setting:
    base = flatten(setting(train={"epochs": EPOCHS}, teacher={"epochs": EPOCHS, "lr_milestones": None}))
    return unflatten(base | changes)


@pytest.mark.parametrize("changes", OPTIONS.values(), ids=OPTIONS)
def test_three_epochs_a_kill_and_three_more(changes: dict[str, Any]) -> None:
    chosen = chosen_of(changes)
    whole = trial(chosen)
    expected = timeless(whole.advance())
    assert len(expected) == 2 * EPOCHS
    assert not whole.diverged
    for stops in (3, EPOCHS + 3):  # within phase 1, and within phase 2
        store = Store()
        run = trial(chosen, store)
        for _ in range(stops):
            run.advance(seconds=0)
        again = trial(chosen, store)
        torch.rand(7)  # what is drawn elsewhere changes nothing
        again.restore(run.checkpoint())
        assert timeless(again.advance()) == expected
        same_numbers(final(again), final(whole))


@pytest.mark.slow
def test_a_compiled_trial_goes_on_bit_for_bit() -> None:
    if shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    chosen = chosen_of({"train.compile": True, "train.epochs": 2, "teacher.epochs": 1})
    expected = timeless(trial(chosen).advance())
    store = Store()
    run = trial(chosen, store)
    run.advance(until_epoch=1)
    again = trial(chosen, store)
    again.restore(run.checkpoint())
    assert timeless(again.advance()) == expected
