import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import aikd_tune, write_study


def test_a_starter_is_written_once_and_passes_its_check(tmp_path: Path) -> None:
    assert aikd_tune("init", "mine.yaml", cwd=tmp_path).returncode == 0
    text = (tmp_path / "mine.yaml").read_text()
    again = aikd_tune("init", "mine.yaml", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (2, "mine.yaml: must not exist yet; it was left as it is\n")
    assert (tmp_path / "mine.yaml").read_text() == text
    checked = aikd_tune("check", "mine.yaml", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "opens the test set" in checked.stdout


def test_the_schema_is_json(tmp_path: Path) -> None:
    assert json.loads(aikd_tune("schema", cwd=tmp_path).stdout)["type"] == "object"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("run",), "aikd-tune run: Missing argument 'STUDY.yaml'; see aikd-tune run --help"),
        (("frob",), "aikd-tune: No such command 'frob'; see aikd-tune --help"),
        (("run", "no.yaml"), "no.yaml:1: file: cannot be read (No such file or directory)"),
        (("status", "nowhere"), "nowhere: not a study folder (no study.yaml in it)"),
        (("run", "study.yaml", "--results", "study.yaml"), "--results: must be a folder, found a file: study.yaml"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    write_study(tmp_path)
    done = aikd_tune(*arguments, cwd=tmp_path)
    assert done.returncode == (1 if arguments[0] == "status" else 2)
    assert done.stdout == ""
    assert done.stderr.replace("python -m aikd_tune", "aikd-tune").replace(f"{tmp_path}/", "") == f"{line}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_train_needs_neither_ray_nor_optuna(tmp_path: Path) -> None:
    write_study(
        tmp_path,
        ("temperature: {loguniform: [1, 10]}", "temperature: 2"),
        ("teacher: {weight: {loguniform: [0.01, 10], or: 0}}", "teacher: {weight: 0.3}"),
        ("previous: {weight: {loguniform: [0.01, 3], or: 0}}", "previous: {weight: 0.3}"),
        ('{weight: {loguniform: [0.001, 0.3], or: 0}, hidden: {choice: ["16", "32-16"]}, lr: 1e-3}', "{weight: 0.01}"),
    )
    script = (
        "import sys; sys.modules['ray'] = sys.modules['optuna'] = None"
        "; sys.argv = ['aikd-tune', 'train', 'study.yaml'];"
        "from aikd_tune.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "val_error" in done.stdout


def test_a_training_that_diverges_says_so(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("data: {test: 900, val: 300, train: 100}\ntrain: {epochs: 2, lr: 1e6}\n")
    done = aikd_tune("train", study, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("diverged after ")
    assert "Traceback" not in done.stderr
