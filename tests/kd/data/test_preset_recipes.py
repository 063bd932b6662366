"""The presets follow the recipes of the public code: rates epoch by epoch, steps, decay; METHOD's figures by hand."""

from pathlib import Path

import pytest
import torch
from torch import nn

from aikd_tune.kd.batchnorm import batches
from aikd_tune.kd.data.published import published_facts
from aikd_tune.kd.networks import build, num_parameters
from aikd_tune.kd.optimizer import make_optimizer
from aikd_tune.kd.schedule import learning_rates
from aikd_tune.spec import DataFacts, Study, load_study
from aikd_tune.spec.activity import student_train, teacher_train
from aikd_tune.spec.facts import input_shape
from aikd_tune.spec.fields import Data

PRESETS = Path(__file__).parents[3] / "search_spaces"
PS_KD = {"epochs": 300, "batch": 128, "decay": 5e-4, "nesterov": True, "after": (150, 225)}
CS_KD = {"epochs": 200, "batch": 32, "decay": 1e-4, "nesterov": False, "after": (101, 151)}
# name: recipe, training images, validation images, classes, side, network, parameters
RECIPES = {
    "cifar100_preact_resnet18": (PS_KD, 50_000, 5_000, 100, 32, "preact_resnet18_cifar", 11_217_444),
    "cifar100_densenet121": (PS_KD, 50_000, 5_000, 100, 32, "densenet121_cifar", 7_048_548),
    "tiny_imagenet": ({**CS_KD, "batch": 128}, 100_000, 10_000, 200, 32, "preact_resnet18_cifar", 11_268_744),
    "cub_200_2011": (CS_KD, 5_994, 599, 200, 224, "resnet18", 11_279_112),
    "stanford_dogs": (CS_KD, 12_000, 1_200, 120, 224, "resnet18", 11_238_072),
    "mit67": (CS_KD, 5_360, 536, 67, 224, "resnet18", 11_210_883),
}


def study_of(name: str) -> Study:
    _, num_images, _, num_classes, side, *_ = RECIPES[name]

    def describe(data: Data) -> DataFacts:
        facts = published_facts(data)
        if facts is not None:
            return facts
        decoded = data.stored_size or side
        names = tuple(map(str, range(num_classes)))
        return DataFacts(num_images, 5_000, num_classes, (3, decoded, decoded), "f", names)

    return load_study(PRESETS / f"{name}.yaml", describe)


def test_every_preset_is_here() -> None:
    assert {path.stem for path in PRESETS.glob("*.yaml")} == {*RECIPES, "digits", "cifar10_cpu"}


@pytest.mark.parametrize("name", RECIPES)
def test_a_preset_follows_its_recipe(name: str) -> None:
    recipe, num_images, num_val, num_classes, side, network, parameters = RECIPES[name]
    study = study_of(name)
    base = study.base
    assert (base.model.name, base.data.val) == (network, num_val)
    assert base.data.train == num_images - num_val
    assert base.data.views.flip
    if recipe is PS_KD:  # crop 32 after padding 4
        assert (base.data.views.shift, base.data.views.resized_crop, base.data.normalization) == (4, 0, "cifar")
    else:  # random resized crop, ImageNet's constants
        assert (base.data.views.shift, base.data.views.resized_crop, base.data.normalization) == (0, 0.08, "imagenet")
    facts = DataFacts(num_images, None, num_classes, (3, side, side), "f", ())
    assert input_shape(base.data.size, facts) == (3, side, side)
    assert num_parameters(build(base.model, (3, 32, 32), num_classes)) == parameters

    for train in (student_train(base), teacher_train(base)):
        assert (train.epochs, train.batch_size) == (recipe["epochs"], recipe["batch"])
        steps = len(batches(num_images, train.batch_size))  # with train+val, as published
        assert steps == -(-num_images // recipe["batch"])
        for epoch in range(1, recipe["epochs"] + 1):
            expected = 0.1 * 0.1 ** sum(epoch > last for last in recipe["after"])
            assert learning_rates(train, epoch, 3) == pytest.approx([expected] * 3, rel=1e-12)


@pytest.mark.parametrize("name", RECIPES)
def test_every_parameter_decays_as_in_torchs_sgd(name: str) -> None:
    recipe = RECIPES[name][0]
    train = student_train(study_of(name).base)

    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5))

    ours, theirs = network(), network()
    optimizer = make_optimizer(ours, train)
    sgd = torch.optim.SGD(
        theirs.parameters(), 0.1, momentum=0.9, nesterov=recipe["nesterov"], weight_decay=recipe["decay"]
    )
    images, labels = torch.randn(8, 3, 4, 4), torch.arange(8) % 5
    for _ in range(5):
        optimizer.clear_gradient()
        sgd.zero_grad()
        for net in (ours, theirs):
            nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step(0.1)
        sgd.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-7)
