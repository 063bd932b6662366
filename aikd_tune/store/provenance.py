"""``provenance.json``: where, when and with what a study was run, and every opening of the test set."""

import json
import platform
import socket
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from aikd_tune import __version__
from aikd_tune.errors import StudyFolderError
from aikd_tune.store.files import write_atomic
from aikd_tune.store.folder import StudyFolder

# What the numbers or their search can depend on.
_PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "ray", "optuna", "pyarrow", "pandas", "pydantic")
_GIT_TIMEOUT_S = 10


class Provenance:
    """The record of one study; written whole and atomically, by the holder of the study's lock alone."""

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder

    def begin_run(self, command: Sequence[str], device: str) -> None:
        """Add a run: what was typed, on what, with which versions and which state of the code."""
        content = self.read()
        content["runs"].append(
            {
                "command": list(command),
                "started_at": _now(),
                "ended_at": None,
                "outcome": None,
                "device": device,
                **environment(),
            }
        )
        self._write(content)

    def end_run(self, outcome: str) -> None:
        """Say how the last run ended; one that was killed has no outcome."""
        content = self.read()
        content["runs"][-1] |= {"ended_at": _now(), "outcome": outcome}
        self._write(content)

    def open_test(self, arms: Sequence[str], setting_keys: Sequence[str], seeds: Sequence[int]) -> int:
        """Count an opening of the test set, before it happens; the number of this look, from 1."""
        content = self.read()
        look = len(content["test_looks"]) + 1
        content["test_looks"].append(
            {
                "look": look,
                "opened_at": _now(),
                "arms": list(arms),
                "setting_keys": list(setting_keys),
                "seeds": list(seeds),
            }
        )
        self._write(content)
        return look

    def test_looks(self) -> list[Mapping[str, Any]]:
        """Every opening of the test set so far, the first one first; entries are only ever added."""
        looks: list[Mapping[str, Any]] = self.read()["test_looks"]
        return looks

    def read(self) -> dict[str, Any]:
        """The whole record: ``study``, ``runs``, ``test_looks``; empty lists before the first run."""
        path = self._folder.provenance_file
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not (isinstance(content["runs"], list) and isinstance(content["test_looks"], list)):
                raise TypeError
        except FileNotFoundError:
            return {"study": self._folder.name, "runs": [], "test_looks": []}
        except (ValueError, KeyError, TypeError) as error:
            raise StudyFolderError(f"{path}: not a provenance record; restore it from a copy") from error
        record: dict[str, Any] = content
        return record

    def _write(self, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, indent=2) + "\n"
        write_atomic(self._folder.provenance_file, text.encode(), self._folder.scratch)


def environment() -> dict[str, Any]:
    """This process's host, platform, versions, and the commit of the code where it is a checkout."""
    commit, dirty = code_state(Path(__file__).parent)
    return {
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "git_commit": commit,
        "git_dirty": dirty,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the installed ones that results depend on; imports none of them."""
    found = {"python": platform.python_version(), "aikd-tune": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # an optional one
            continue
    return found


def software() -> str:
    """What a trial's numbers depend on, for the column ``software``: ``aikd-tune 0.1.0, torch 2.15.0, ...``."""
    found = versions()
    return ", ".join(f"{name} {found[name]}" for name in ("aikd-tune", "python", "torch", "numpy") if name in found)


def code_state(folder: Path) -> tuple[str | None, bool | None]:
    """Commit of the checkout whose tracked files ``folder`` holds, and whether it has changes; else (None, None)."""
    # Code in a virtual environment inside somebody's repository is not tracked there: that commit would be wrong.
    if _git(folder, "ls-files", "--error-unmatch", ".") is None:
        return None, None
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".")
    return commit, None if changes is None else bool(changes)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
