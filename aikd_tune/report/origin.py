"""Where a study came from, in words: runs, code, versions, and the command that makes it again."""

import shlex
import textwrap
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from aikd_tune.report.frames import StudyRecords
from aikd_tune.report.tables import Table


def last_command(records: StudyRecords) -> str:
    """What was typed last, the program by its name alone; the recorded study file where nothing was recorded."""
    runs = records.provenance.get("runs", ())
    command = list(runs[-1]["command"]) if runs else []
    if not command:
        return f"aikd-tune run {shlex.quote(str(records.folder / 'study.yaml'))}"
    return shlex.join([PurePath(command[0]).name, *command[1:]])


def runs_table(records: StudyRecords) -> Table:
    """Every run: when, what was typed, on what, from which code, and how it ended."""
    rows = [
        (
            _time(run.get("started_at")),
            _time(run.get("ended_at")),
            str(run.get("outcome") or "killed, or still running"),
            shlex.join([PurePath(part).name if index == 0 else part for index, part in enumerate(run["command"])]),
            f"{run.get('host', '')}, {run.get('device', '')}",
            code_text(run),
        )
        for run in records.provenance.get("runs", ())
    ]
    return Table("Runs", ("started", "ended", "outcome", "command", "host and device", "code"), rows, text_columns=6)


def looks_table(records: StudyRecords) -> Table:
    """Every opening of the test set."""
    rows = [
        (
            str(look["look"]),
            _time(look["opened_at"]),
            ", ".join(map(str, look["arms"])),
            _ranges(sorted(map(int, look["seeds"]))),
        )
        for look in records.provenance.get("test_looks", ())
    ]
    return Table("Openings of the test set", ("look", "opened", "arms", "seeds"), rows, text_columns=4)


def code_text(run: Mapping[str, Any]) -> str:
    """The commit of the code, and whether it had changes of its own."""
    commit = run.get("git_commit")
    if not commit:
        return "not a checkout"
    return f"{commit[:12]}{' with uncommitted changes' if run.get('git_dirty') else ''}"


def reproduce_text(records: StudyRecords) -> str:
    """Shell lines that repeat the study: the code, the versions, the run."""
    name = records.study.name
    runs = records.provenance.get("runs", ())
    lines = []
    if runs:
        run = runs[-1]
        if run.get("git_commit"):
            dirty = "  # and its uncommitted changes, which no commit holds" if run.get("git_dirty") else ""
            lines.append(f"git checkout {run['git_commit']}{dirty}")
        versions = ", ".join(f"{package}=={version}" for package, version in run.get("versions", {}).items())
        lines += textwrap.wrap(versions, 76, initial_indent="# ", subsequent_indent="# ")
    lines.append(f"# the study file below, saved as {name}.yaml")
    lines.append(f"aikd-tune run {name}.yaml --results again")
    return "\n".join(lines)


def _time(text: str | None) -> str:
    """``2026-11-24 03:50`` of an ISO time in UTC."""
    return "–" if not text else text[:16].replace("T", " ")


def _ranges(seeds: list[int]) -> str:
    """``1 to 10`` for whole runs of seeds, else a list."""
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
