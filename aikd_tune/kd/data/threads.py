"""How many threads read and decode: a set is decoded once per machine, so it may have every core while that lasts."""

import os

_AT_MOST = 16  # each holds a whole photograph in memory


def num_threads() -> int:
    """Threads that read files and decode images side by side."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, _AT_MOST)
