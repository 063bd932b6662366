"""Three real epochs of both phases of every preset, shrunk by its size fields, from the layout that it names."""

import math
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torchvision.datasets as tvd
from layouts import CIFAR10, Rows, cifar10_rows, synthetic_rows, write_image_folder, write_parquet_set
from torchvision_layouts import accept_checksums

from aikd_tune.cli.check import check_command
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.trial import TrialRun
from aikd_tune.spec import Setting, load_study
from aikd_tune.spec.leaves import flatten, unflatten

PRESETS = Path(__file__).parents[3] / "search_spaces"
SMALL: dict[str, Any] = {"train.epochs": 3, "train.batch_size": 16, "teacher.epochs": None, "teacher.lr": None}
STEPS = {"train.lr_milestones": "1-2"}
THIRD = {"model.width": 16}
SIDES = {"data.stored_size": 40, "data.size": 32}
CHANGES = {
    "cifar100_preact_resnet18": SMALL | STEPS | THIRD,
    "cifar100_densenet121": SMALL | STEPS | THIRD,
    "tiny_imagenet": SMALL | STEPS | THIRD,
    "cub_200_2011": SMALL | STEPS | SIDES,
    "stanford_dogs": SMALL | STEPS | SIDES,
    "mit67": SMALL | STEPS | SIDES,
    "cifar10_cpu": SMALL | {"train.lr": 0.05},
}


def rows(part: str, num_images: int) -> Rows:
    """CIFAR-10 where it is at hand, else images of noise."""
    if CIFAR10.is_dir():
        return cifar10_rows(part, num_images)
    return synthetic_rows(num_images, 10, 32, seed=int(part == "test"))


def lay_out(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the images where the preset looks for them."""
    if name.startswith("cifar100"):
        base = folder / tvd.CIFAR100.base_folder
        base.mkdir()
        for part in ("train", "test"):
            levels = rows(part, 100).images.transpose(0, 3, 1, 2).reshape(100, -1)
            (base / part).write_bytes(pickle.dumps({"data": levels, "fine_labels": list(range(100))}, protocol=2))
        names = [f"class {label}" for label in range(100)]
        (base / "meta").write_bytes(pickle.dumps({"fine_label_names": names}, protocol=2))
        accept_checksums(folder, "CIFAR100", monkeypatch)
    elif name == "cifar10_cpu":
        write_parquet_set(folder, rows("train", 80), rows("test", 40))
    elif name == "tiny_imagenet":
        write_image_folder(folder, rows("train", 80).resized(64, 64), rows("test", 40).resized(64, 64), "val")
    else:
        write_image_folder(folder, rows("train", 80).resized(44, 60), rows("test", 40).resized(60, 44), form="JPEG")


def shrunk(name: str, folder: Path) -> tuple[Path, Setting]:
    """The preset on few images, and its defaults with the other sizes small too."""
    lines = (PRESETS / f"{name}.yaml").read_text().splitlines()
    sizes = {"path": str(folder), "val": "20", "train": "40"}
    text = [line for line in lines if line.strip().split(":")[0] not in sizes or not line.startswith("  ")]
    where = text.index("data:") + 1
    study = folder.with_suffix(".yaml")
    study.write_text("\n".join([*text[:where], *(f"  {key}: {value}" for key, value in sizes.items()), *text[where:]]))
    base = load_study(study, describe).base
    return study, unflatten(flatten(base) | CHANGES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_check_and_three_epochs_of_a_preset(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    lay_out(name, folder, monkeypatch)
    stored: dict[str, bytes] = {}
    study, setting = shrunk(name, folder)
    assert check_command(study) == 0
    plan = capsys.readouterr().out
    assert re.search(r"^network +\w+, [\d,]+ parameters$", plan, re.MULTILINE)
    assert re.search(r"^cost +at most .* search \+ .* confirmation \+ .* teachers", plan, re.MULTILINE)
    run = TrialRun(setting, 0, get=stored.get, put=stored.__setitem__, open_test=True)
    trained = run.advance()
    assert [row["phase"] for row in trained] == ["teacher"] * 3 + ["student"] * 3
    assert not run.diverged
    assert all(math.isfinite(row["loss"]) for row in trained)
    columns = run.outcome().columns
    assert 0 <= columns["test_error"] <= 100
    assert columns["test_teacher_kl"] >= 0
    assert run.forwards["train"] == 3 * 40
    assert run.forwards["teacher/train"] == 3 * 40
