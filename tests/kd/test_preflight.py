"""Networks and teachers are tried before anything is trained."""

from pathlib import Path

import pytest
import torch

from aikd_tune.errors import UserError
from aikd_tune.kd.batchnorm import batches
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.networks import build
from aikd_tune.kd.preflight import check_networks, own_errors
from aikd_tune.spec import parse_study
from aikd_tune.spec.fields import Model, Setting

DATA = "data: {test: 900, val: 300, train: 100}\n"


def refusal(text: str) -> str:
    study = parse_study(DATA + text, "s.yaml", describe)
    with pytest.raises(UserError) as caught:
        check_networks(study, describe(study.base.data))
    return str(caught.value)


def test_every_option_of_a_search_is_built() -> None:
    line = refusal("model: {name: {choice: [small_cnn, squeezenet1_0]}}")
    assert line == "model.name: squeezenet1_0 needs images of at least 21x21 pixels, found 8x8; set data.size"
    assert refusal("model: {name: densenet121_cifar, width: {int: [8, 17]}}").startswith(
        "model.width: densenet121_cifar"
    )


def test_a_given_teacher_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "t.pt"
    good = build(Model(), (1, 8, 8), 10).state_dict()
    torch.save(good, path)
    study = parse_study(f"{DATA}teacher: {{file: {path}}}", "s.yaml", describe)
    check_networks(study, describe(study.base.data))
    must = f"teacher.file: {path}: must be the state dict of model.name with the study's classes, found that it "
    name = "conv1.weight"
    for wrong, fault in [
        ({**good, name: good[name] * torch.nan}, f"has no finite numbers in {name}"),
        ({**good, name: good[name].to(torch.complex64)}, f"has no finite numbers in {name}"),
        ({**good, name: good[name].long()}, f"has no finite numbers in {name}"),
        (
            build(Model(width=8), (1, 8, 8), 10).state_dict(),
            "has another shape of conv1.weight, norm1.weight, norm1.bias",
        ),
    ]:
        torch.save(wrong, path)
        assert refusal(f"teacher: {{file: {path}}}").startswith(must + fault)


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\x80\x02]q\x00.", b"PK\x03\x04 no archive"])
def test_any_other_file_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.pt"
    path.write_bytes(data)
    line = refusal(f"teacher: {{file: {path}}}")
    assert line.startswith(f"teacher.file: {path}: must ")
    assert "\n" not in line


def test_what_a_network_of_ones_own_raises_is_one_line() -> None:
    own = Setting.model_validate({"model": {"name": "a:b"}})
    with (
        pytest.raises(
            UserError, match=r"^model\.name: a:b must train, found KeyError: 'x' \(.*test_preflight\.py:\d+\)$"
        ),
        own_errors(own),
    ):
        raise KeyError("x")
    with pytest.raises(ValueError, match="must not be zero"), own_errors(own):  # raised by a line of ours
        batches(1, 0)
    with pytest.raises(KeyError), own_errors(Setting()):  # ours: a fault of the program is not hidden
        raise KeyError("x")
