"""The best setting of a study, as a study file of fixed values."""

from pathlib import Path

from aikd_tune.errors import StudyFolderError
from aikd_tune.report.frames import StudyRecords, read_study
from aikd_tune.report.measures import measure, plural
from aikd_tune.report.selection import Winner, select_winner
from aikd_tune.spec import dump_setting


def best_text(path: Path) -> str:
    """YAML that ``run`` and ``train`` accept, headed by a comment that says how the setting was chosen.

    Raises:
        StudyFolderError: not a study folder, or no trial is complete yet.
    """
    records = read_study(path)
    winner = select_winner(records)
    if winner is None:
        raise StudyFolderError(f"{path}: no best setting: no trial of the search is complete")
    return setting_text(records, winner)


def setting_text(records: StudyRecords, winner: Winner) -> str:
    """The winner's YAML with its comment."""
    return f"# {winner.label} of study {records.study.name}: {_reason(records, winner)}\n" + dump_setting(
        records.study, winner.setting
    )


def _reason(records: StudyRecords, winner: Winner) -> str:
    metric = measure(records.study.search.metric)
    if winner.seeds and winner.arm is not None:
        seeds = plural(len(winner.seeds), "confirmation seed")
        return f"{metric.phrase} {metric.with_interval(winner.arm.estimate(metric.name))}, best mean over {seeds}"
    value = records.search.loc[records.search["setting"] == winner.number, metric.name].iloc[0]
    return f"{metric.phrase} {metric.with_unit(float(value))}, best of the search (one seed)"
