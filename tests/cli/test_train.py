"""``aikd-tune train``: it goes on after a signal and after a kill, and its weights serve as a teacher."""

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from commands import aikd_tune, start

STUDY = """\
data: {test: 900, val: 300, train: 200}
train: {epochs: EPOCHS, batch_size: 8}
distill: {adversarial: {input: features}}
resources: {checkpoint_every_s: 0}
"""


def write(folder: Path, epochs: int) -> Path:
    path = folder / "study.yaml"
    path.write_text(STUDY.replace("EPOCHS", str(epochs)))
    return path


def metrics(text: str) -> list[str]:
    return re.findall(r"^val_.*$", text, re.MULTILINE)


def begun(folder: Path, number: int) -> subprocess.Popen[str]:
    """A training that has written ``number`` checkpoints' names at least."""
    process = start("train", "study.yaml", cwd=folder)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        epochs = [int(path.stem.split("-")[1]) for path in (folder / "results").glob("_train/*/2-*.pt")]
        if max(epochs, default=0) >= number:
            return process
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"no checkpoint: {process.communicate()}")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_same_command_goes_on(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "stopped").mkdir()
    epochs = 40
    whole = aikd_tune("train", write(tmp_path / "whole", epochs), cwd=tmp_path / "whole")
    assert whole.returncode == 0
    write(tmp_path / "stopped", epochs)
    process = begun(tmp_path / "stopped", 2)
    process.send_signal(how)
    _, errors = process.communicate(timeout=30)
    if how is not signal.SIGKILL:
        assert process.returncode == 130
        assert re.search(r"^interrupted after epoch \d+; the same command continues$", errors, re.MULTILINE)
    again = aikd_tune("train", "study.yaml", cwd=tmp_path / "stopped")
    assert again.returncode == 0
    assert re.match(r"going on after epoch [1-9]\d*\n", again.stderr)
    assert metrics(again.stdout) == metrics(whole.stdout) != []
    assert not list((tmp_path / "stopped/results/_train").glob("*/*.pt"))


@pytest.mark.slow
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(tmp_path: Path) -> None:
    write(tmp_path, 40)
    process = begun(tmp_path, 3)
    process.kill()
    process.communicate()
    older, newest = sorted((tmp_path / "results").glob("_train/*/2-*.pt"))[-2:]
    newest.write_bytes(newest.read_bytes()[:-100])
    again = aikd_tune("train", "study.yaml", cwd=tmp_path)
    assert again.returncode == 0
    warning, going_on = again.stderr.splitlines()[:2]
    name = newest.relative_to(tmp_path)
    assert warning.startswith(
        f"warning: {name}: not used: checkpoint of trial {newest.parent.name[:12]}: truncated or "
    )
    assert going_on == f"going on after epoch {int(older.stem.split('-')[1])}"


def test_saved_weights_are_a_teacher(tmp_path: Path) -> None:
    study = write(tmp_path, 2)
    saved = aikd_tune("train", study, "--save", "teacher.pt", cwd=tmp_path)
    assert (saved.returncode, saved.stdout.splitlines()[-1]) == (0, "student     teacher.pt")
    study.write_text(study.read_text() + "teacher: {file: teacher.pt}\n")
    trained = aikd_tune("train", study, "--seed", "3", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "teacher" not in trained.stderr


@pytest.mark.parametrize(
    ("option", "line"),
    [
        (("--device", "tpu"), r"--device: must be cpu(, cuda\S*)* on this machine, found tpu"),
        (("--save", "nowhere/x.pt"), "--save: must be a file in a folder that can be written, found nowhere/x.pt"),
        (("--save", "."), "--save: must be a file in a folder that can be written, found ."),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, option: tuple[str, str], line: str) -> None:
    done = aikd_tune("train", write(tmp_path, 1), *option, cwd=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(line + "\n", done.stderr)
    assert not (tmp_path / "results").exists()
