"""Processes that wait for each other, so that they ask for the same thing at once."""

import subprocess
from collections.abc import Sequence


def release(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Wait until each has said that it is ready, then let all of them go."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
