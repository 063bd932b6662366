"""Writing processes for tests that kill them: run as a script, it forks one for every line of its standard input.

The imports happen once, and a fork takes milliseconds, so that a test can kill many writers.
"""

import json
import os
import random
import resource
import signal
import sys
from pathlib import Path

import pandas  # noqa: F401  # pyarrow imports it on first use: once here, not in every fork
from table_rows import bins, epoch, predictions, teacher, trial

from aikd_tune.errors import UserError
from aikd_tune.store import StudyFolder, TableWriter, appended, writer

EPOCHS = 3


def write(path: str, counter: str, first: int) -> None:
    """Two flushes a trial, for ever; the file ``counter`` says how many trials are durable.

    A writer that goes on also writes the rows of the last two confirmed trials again, as a resumed trial does.
    """
    appended.MAX_SMALL_FILES = 3  # a merge every third flush
    writer.ROWS_PER_PART = 8
    tables = TableWriter(StudyFolder(path))
    for again in range(max(0, first - 2), first):
        tables.append("epochs", [epoch(again, e) for e in range(1, EPOCHS + 1)])
        tables.append("predictions", predictions(again, 5))
    descriptor = os.open(counter, os.O_WRONLY)
    number = first
    while True:
        tables.put_trials([trial(number, state="running")])
        tables.append("epochs", [epoch(number, 1, "teacher")])
        tables.flush()
        tables.append("epochs", [epoch(number, e) for e in range(1, EPOCHS + 1)])
        tables.append("bins", bins(number, 10))
        tables.append("predictions", predictions(number, 5))
        tables.put_teachers([teacher(number)])
        tables.put_trials([trial(number, state="complete", epochs_run=EPOCHS, best_epoch=number)])
        tables.flush()
        number += 1
        os.pwrite(descriptor, b"%08d" % number, 0)


def write_until_full(path: str, counter: str, limit: int | None) -> None:
    """Flush until the disk says no; ``counter`` then holds the confirmed trials and the error's text as JSON."""
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    chance = random.Random(0)
    confirmed, error = 0, ""
    try:
        tables = TableWriter(StudyFolder(path))
        while True:
            tables.append("epochs", [epoch(confirmed, e) for e in range(1, 21)])
            tables.append("predictions", predictions(confirmed, 20))
            tables.put_trials([trial(confirmed, state="complete", config=chance.randbytes(12_000).hex())])
            tables.flush()
            confirmed += 1
    except UserError as caught:
        error = str(caught)
    Path(counter).write_text(json.dumps([confirmed, error]))


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the writers
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:
            {"write": write, "write_until_full": write_until_full}[name](*arguments)
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
