"""The network that the documentation shows is one that a study can name."""

import re
from pathlib import Path

import pytest

from aikd_tune.kd.networks import build, num_parameters
from aikd_tune.spec.fields import Model

DOCS = Path(__file__).parents[3] / "docs/networks_and_data.md"


def test_the_example_builds_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert code is not None
    (tmp_path / "my_nets.py").write_text(code[1])
    monkeypatch.syspath_prepend(tmp_path)
    sizes = [
        num_parameters(build(Model(name="my_nets:build", arguments=f"depth={depth}"), (3, 32, 32), 10))
        for depth in (1, 2)
    ]
    assert sizes[1] - sizes[0] == 16 * 16 * 9 + 16 + 32


def test_the_sizes_in_the_table_are_true() -> None:
    text = DOCS.read_text()
    for name in ("small_cnn", "resnet18_cifar", "preact_resnet18_cifar", "densenet121_cifar"):
        count = num_parameters(build(Model(name=name), (3, 32, 32), 100))
        assert re.search(rf"^\| `{name}` .* {count:,}( |\b)", text, re.MULTILINE), (name, count)
