"""``aikd-tune run``."""

import sys
from pathlib import Path

from aikd_tune.run.driver import run_study


def run_command(study: Path, results: str, address: str | None, trials: int | None) -> int:
    """Run, then write the report and say the answer."""
    result = run_study(study, results, address, trials)
    for trial, warning in result.warnings:
        print(f"warning: trial {trial}: {warning}", file=sys.stderr)
    for trial, reason in result.failures:
        print(f"trial {trial} failed: {reason}", file=sys.stderr)
    if result.interrupted:
        print(f"interrupted; to continue: aikd-tune run {study} --results {results}")
        return result.exit_code
    if result.trials_run == 0:
        print(f"{result.folder}: complete, nothing to run")
    if result.exhausted:
        print("the space is exhausted: every setting has been tried")
    from aikd_tune.report.frames import read_study
    from aikd_tune.report.verdict import decide

    page = result.folder / "report.html"
    if result.trials_run or not page.exists():
        from aikd_tune.cli.report import write_page

        write_page([result.folder], page)
    print(decide(read_study(result.folder)).sentence)
    print(f"report: {page}")
    return result.exit_code
