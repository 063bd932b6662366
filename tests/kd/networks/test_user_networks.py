"""Networks of the user's own: what they are called with, and one line for everything that goes wrong."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from network_references import make, noise
from torch import nn

from aikd_tune.errors import UserError
from aikd_tune.kd.networks import build, num_parameters
from aikd_tune.spec.fields import Model

SOURCE = """
import torch
from torch import nn

def mlp(num_classes, in_channels, image_size, depth=1, dropout=0.0):
    width = in_channels * image_size ** 2
    layers = [nn.Flatten(), *(nn.Linear(width, width) for _ in range(depth)), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(width, num_classes))

def linear(num_classes, image_size):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes)) if image_size == (4, 6) else None

def anything(**others):
    assert set(others) == {"num_classes", "depth"}
    return nn.Sequential(nn.Flatten(), nn.Linear(64, others["num_classes"]))

class Network(nn.Module):
    def __init__(self, *, num_classes):
        super().__init__()
        self.noise = nn.Linear(64, num_classes)

    def forward(self, images):
        drawn = torch.rand(len(images), 1) if self.training else 0
        return self.noise(images.flatten(1) + drawn)

class Noisy(Network):
    def forward(self, images):
        return self.noise(images.flatten(1) + torch.rand(len(images), 1))

class Frozen(Network):
    def __init__(self, *, num_classes):
        super().__init__(num_classes=num_classes)
        self.requires_grad_(False)

def leaving(num_classes):
    raise SystemExit(3)

def without_classes(in_channels):
    return nn.Flatten()

def needing(num_classes, depth, heads, in_channels):
    return nn.Flatten()

def raising(num_classes):
    raise KeyError("colours\\nof the rainbow")

def raising_inside(num_classes):
    return nn.Linear(3, "many")

def text(num_classes):
    return "a network"

def wrong_shape(num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes + 1))

class Pair(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.layer = nn.Linear(64, num_classes)

    def forward(self, images):
        return self.layer(images.flatten(1)), images

class Whole(Pair):
    def forward(self, images):
        return self.layer(images.flatten(1)).argmax(1, keepdim=True).expand(-1, 10)

class Failing(Pair):
    def forward(self, images):
        return self.layer(images)

def double(num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes)).to(torch.bfloat16).to(dtype=torch.float64)

class Mixed(Pair):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.scale = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, images):
        return self.layer(images.flatten(1))

class Fixed(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.num_classes = num_classes

    def forward(self, images):
        return images.flatten(1)[:, :self.num_classes]

constant = 3
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "own_nets.py"
    path.write_text(SOURCE)
    (tmp_path / "broken_nets.py").write_text("import torch\nraise OSError('no such disk')\n")
    yield path
    sys.modules.pop("own_nets", None)


def test_what_the_function_takes_is_passed() -> None:
    network = make("own_nets:mlp", in_channels=1, size=8, num_classes=5, arguments="depth=2, dropout=0.25")
    assert num_parameters(network) == 2 * (64 * 64 + 64) + 64 * 5 + 5
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == [0.25]
    assert network(noise(3, 1, 8, 8)).shape == (3, 5)


def test_images_that_are_not_square_and_layers_that_find_their_width() -> None:
    network = build(Model.model_validate({"name": "own_nets:linear"}), (2, 4, 6), 5)
    assert num_parameters(network) == 2 * 4 * 6 * 5 + 5
    assert all(parameter.requires_grad and not parameter.is_inference() for parameter in network.parameters())


def test_a_function_of_any_arguments_gets_the_classes_and_those_of_the_study() -> None:
    assert num_parameters(make("own_nets:anything", in_channels=1, size=8, arguments="depth=x")) == 650


def test_a_class_and_its_modes() -> None:
    network = make("own_nets:Network", in_channels=1, size=8)
    assert network.training
    again = make("own_nets:Network", in_channels=1, size=8)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))


def refusal(name: str, arguments: str | None = None) -> str:
    with pytest.raises(UserError) as caught:
        build(Model.model_validate({"name": name, "arguments": arguments}), (1, 8, 8), 10)
    return str(caught.value)


LOGITS = "must turn images (n, 1, 8, 8) into logits (n, 10), found"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_nets:without_classes", "must take num_classes, found (in_channels)"),
        ("own_nets:raising", "must return a network, found KeyError: 'colours\\nof the rainbow' (own_nets.py:45)"),
        ("own_nets:text", "must return a torch.nn.Module, found str"),
        ("own_nets:wrong_shape", f"{LOGITS} float32 of shape (2, 11) for 2 images"),
        ("own_nets:Pair", f"{LOGITS} a tuple"),
        ("own_nets:Whole", f"{LOGITS} int64 of shape (2, 10) for 2 images"),
        ("own_nets:double", f"{LOGITS} RuntimeError: mat1 and mat2 must have the same dtype, but got Float and Double"),
        ("own_nets:Mixed", "must have float32 parameters, found float32, float64"),
        ("own_nets:Fixed", "must have float32 parameters, found none"),
        ("own_nets:Frozen", "must have parameters to train, found all of them frozen"),
        ("own_nets:Noisy", f"{LOGITS} different ones for the same images in evaluation"),
    ],
)
def test_one_line_for_what_goes_wrong(name: str, message: str) -> None:
    assert refusal(name) == f"model.name: {name} {message}"


NO_FILE = "must be a Python file in this folder, on PYTHONPATH or installed, found none"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent_nets:build", f"module absent_nets {NO_FILE}"),
        ("folder_of_nets:build", f"module folder_of_nets {NO_FILE}"),
        ("builtins:dict", f"module builtins {NO_FILE}"),
        ("broken_nets:build", "module broken_nets must be importable, found OSError: no such disk (BROKEN:2)"),
        ("own_nets:constant", "constant must be a function of OWN, found int"),
        ("own_nets:bild", "bild must be a function of OWN, found nothing of that name"),
    ],
)
def test_one_line_for_a_function_that_cannot_be_had(name: str, message: str, module: Path) -> None:
    (module.parent / "folder_of_nets").mkdir()
    broken = str(module.parent / "broken_nets.py")
    assert refusal(name) == f"model.name: {name}: {message.replace('OWN', str(module)).replace('BROKEN', broken)}"


def test_a_source_file_that_has_changed_is_refused(module: Path) -> None:
    recorded = "0" * 64
    model = Model.model_validate({"name": "own_nets:anything", "source_sha256": recorded})
    with pytest.raises(UserError) as caught:
        build(model, (1, 8, 8), 10)
    assert str(caught.value) == (
        f"model.name: own_nets:anything: {module} must have SHA-256 {recorded} as when the study began, "
        f"found {hashlib.sha256(module.read_bytes()).hexdigest()}"
    )


def test_errors_of_other_code_name_the_line_of_the_module() -> None:
    message = refusal("own_nets:raising_inside")
    assert message.startswith("model.name: own_nets:raising_inside must return a network, found TypeError: ")
    assert message.endswith(" (own_nets.py:48)")
    assert "\n" not in message
    assert "\n" not in refusal("own_nets:Failing")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("mlp", "dpeth=2", "own_nets:mlp takes depth, dropout, found dpeth"),
        ("double", "depth=2", "own_nets:double takes none, found depth"),
        ("needing", None, "own_nets:needing needs depth, heads, found none"),
        ("needing", "heads=2", "own_nets:needing needs depth, found heads"),
        (
            "mlp",
            "depth=1, num_classes=3",
            "must not name num_classes, in_channels, image_size, which are decided already, found num_classes",
        ),
    ],
)
def test_arguments_that_do_not_fit(name: str, arguments: str | None, message: str) -> None:
    assert refusal(f"own_nets:{name}", arguments) == f"model.arguments: {message}"


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 7)])
def test_forward_at_the_start_leaves_no_trace(shape: tuple[int, int, int], module: Path) -> None:
    module.write_text(
        "from torch import nn\n"
        "def build(num_classes):\n"
        "    frozen = nn.LazyBatchNorm2d().eval()\n"
        "    return nn.Sequential(frozen, nn.Flatten(), nn.Dropout(), nn.LazyLinear(num_classes))\n"
    )
    network = build(Model.model_validate({"name": "own_nets:build"}), shape, 3)
    frozen, dropout = network.get_submodule("0"), network.get_submodule("2")
    assert (frozen.training, dropout.training, network.training) == (False, True, True)
    assert isinstance(frozen, nn.BatchNorm2d)
    assert frozen.num_batches_tracked is not None
    assert int(frozen.num_batches_tracked) == 0
    hooks: list[Callable[..., object]] = [hook for part in network.modules() for hook in part._forward_hooks.values()]
    assert hooks == []
