"""Sections on the result: the winning setting, the confirmation, calibration; HTML."""

from aikd_tune.report.best import setting_text
from aikd_tune.report.calibration import NUM_BINS, reliabilities
from aikd_tune.report.figures.canvas import BASELINE, STUDENT, TEACHER
from aikd_tune.report.figures.confirmation import arms_figure, differences_figure
from aikd_tune.report.figures.reliability import reliability_figure
from aikd_tune.report.frames import StudyRecords
from aikd_tune.report.markup import code, drawing, fold, paragraph, side_by_side
from aikd_tune.report.measures import SPLITS, measure, plural
from aikd_tune.report.result_tables import confirmation_table, difference_table, fixed_table, searched_table
from aikd_tune.report.selection import Winner
from aikd_tune.report.verdict import Verdict


def winner_section(records: StudyRecords, winner: Winner) -> str:
    """The winning setting as a table and as a study file."""
    study = records.study
    return "\n".join(
        [
            searched_table(study, winner).html(),
            fold("Fixed fields", fixed_table(study.space, winner).html()),
            fold("As a study file of fixed values", code(setting_text(records, winner), "study file")),
        ]
    )


def confirmation_section(records: StudyRecords, verdict: Verdict) -> str:
    """Every arm over its seeds, and against CE."""
    arms, winner = verdict.arms, verdict.winner.arm if verdict.winner is not None else None
    shown = measure(records.study.search.metric).on("test")
    name = records.study.name
    drawings = [
        drawing(
            arms_figure(arms, shown, winner),
            f"{name}-arms",
            f"{shown.title.capitalize()} by arm.",
            "A dot per seed, the mean and its 95 % interval; * is the winner.",
        )
    ]
    tables = [confirmation_table(arms, winner, val_is_fresh=records.study.confirm.train_on == "train").html()]
    if verdict.baseline is not None and len(arms) > 1:
        drawings.append(
            drawing(
                differences_figure(arms, verdict.baseline, shown, winner),
                f"{name}-differences",
                "Difference to CE, seed by seed.",
                f"{'Right' if shown.maximised else 'Left'} of zero is better than CE. Mean and 95 % interval.",
            )
        )
        table = difference_table(arms, verdict.baseline, winner)
        tables.append(fold("All differences to CE on test (descriptive)", table.html()))
    return "\n".join([side_by_side(drawings), *tables, paragraph(shrinkage_text(records, verdict))])


def shrinkage_text(records: StudyRecords, verdict: Verdict) -> str:
    """How much of the winner's search value fresh seeds gave back; empty without a confirmation to compare with."""
    winner, metric = verdict.winner, measure(records.study.search.metric)
    if winner is None or winner.arm is None or records.study.confirm.train_on != "train":
        return ""
    fresh = winner.arm.estimate(metric.name)
    found = records.search.loc[records.search["setting"] == winner.number, metric.name]
    if fresh.mean is None or found.empty:
        return ""
    once, seeds = metric.with_unit(float(found.iloc[0])), plural(fresh.n, "fresh seed")
    return (
        f"In the search {winner.label} had a {metric.phrase} of {once} with one seed; over {seeds} it has "
        f"{metric.with_interval(fresh)}. A value picked as the best of many is flattered by luck; a mean over "
        "fresh seeds hardly is."
    )


def calibration_section(records: StudyRecords, verdict: Verdict) -> str:
    """Reliability diagrams side by side; empty without bins."""
    diagrams = reliabilities(records, verdict)
    if not diagrams:
        return ""
    ece = measure(f"{diagrams[0].split}_ece15")
    colours = {"CE baseline": BASELINE, "Teacher": TEACHER, "AI-KD student": STUDENT}
    drawings = [
        drawing(
            reliability_figure(one, colours[one.label]),
            f"{records.study.name}-reliability-{index}",
            f"{one.label}.",
            f"ECE {ece.with_interval(one.ece)}, {plural(one.ece.n, 'run')}.",
        )
        for index, one in enumerate(diagrams)
    ]
    text = (
        f"On {SPLITS[diagrams[0].split]} images. Bars: how often the network is right at a stated confidence "
        f"({NUM_BINS} bins, pooled over runs). Hatched: the gap to that confidence. Below zero: the share of images."
    )
    return paragraph(text) + side_by_side(drawings, "triple")
