"""The command line as its users run it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

STUDY = """\
study: small
data: {name: digits, test: 900, val: 300, train: 100}
train: {epochs: 4, batch_size: 32}
distill:
  temperature: {loguniform: [1, 10]}
  teacher: {weight: {loguniform: [0.01, 10], or: 0}}
  previous: {weight: {loguniform: [0.01, 3], or: 0}}
  adversarial: {weight: {loguniform: [0.001, 0.3], or: 0}, hidden: {choice: ["16", "32-16"]}, lr: 1e-3}
search: {trials: 8, early_stopping: {name: asha, min_epochs: 2, reduction: 2}}
confirm: {settings: 1, replicates: 2, baselines: [ce]}
"""


def environment() -> dict[str, str]:
    """The tests' own, with one thread."""
    return os.environ | {"OMP_NUM_THREADS": "1"}


def aikd_tune(*arguments: str | Path, cwd: Path, timeout: float = 110) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "aikd_tune", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(),
        check=False,
    )


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Start a command and return at once."""
    return subprocess.Popen(
        [sys.executable, "-m", "aikd_tune", *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def write_study(folder: Path, *changes: tuple[str, str]) -> Path:
    """The small study with some of its text replaced."""
    text = STUDY
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "study.yaml"
    path.write_text(text)
    return path
