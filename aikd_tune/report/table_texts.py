"""The tables of a report as Markdown or LaTeX, for a README or a paper; the answer first here too."""

from collections.abc import Sequence
from pathlib import Path

from aikd_tune.report.frames import StudyRecords, read_study
from aikd_tune.report.record_tables import states_table
from aikd_tune.report.result_tables import confirmation_table, difference_table, searched_table
from aikd_tune.report.tables import Table, latex_text
from aikd_tune.report.verdict import Verdict, decide


def markdown_tables(study_folders: Sequence[Path]) -> str:
    """A heading, the answer and the tables of each study, as Markdown."""
    blocks = []
    for records, verdict in _read(study_folders):
        blocks += [f"## {records.study.name}", f"{verdict.sentence}"]
        if verdict.notes:
            blocks.append("\n".join(f"- {note}" for note in verdict.notes))
        blocks += [f"**{table.caption}**\n\n{table.markdown()}" for table in result_tables(records, verdict)]
    return "\n\n".join(blocks) + "\n"


def latex_tables(study_folders: Sequence[Path]) -> str:
    """A ``table`` environment per table, the answer as a comment before those of its study; needs booktabs."""
    blocks = []
    for records, verdict in _read(study_folders):
        blocks.append(f"% {records.study.name}: {verdict.sentence}")
        blocks += [
            f"\\begin{{table}}\n\\centering\n\\caption{{{latex_text(table.caption)}}}\n{table.latex()}\n\\end{{table}}"
            for table in result_tables(records, verdict)
        ]
    return "\n\n".join(blocks) + "\n"


def result_tables(records: StudyRecords, verdict: Verdict) -> list[Table]:
    """The tables that a study has in its present state, most important first."""
    tables = []
    winner = verdict.winner
    if verdict.arms:
        arm = winner.arm if winner is not None else None
        val_is_fresh = records.study.confirm.train_on == "train"
        tables.append(confirmation_table(verdict.arms, arm, val_is_fresh=val_is_fresh))
        if verdict.baseline is not None:
            tables.append(difference_table(verdict.arms, verdict.baseline, arm))
    if winner is not None:
        tables.append(searched_table(records.study, winner))
    return [*tables, states_table(records.trials)]


def _read(study_folders: Sequence[Path]) -> list[tuple[StudyRecords, Verdict]]:
    studies = [read_study(path) for path in study_folders]
    return [(records, decide(records)) for records in studies]
