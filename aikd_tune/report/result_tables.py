"""The tables of a result: the winning setting, the confirmation, the differences to CE."""

from collections.abc import Sequence

from aikd_tune.report.arms import Arm
from aikd_tune.report.intervals import paired_difference
from aikd_tune.report.measures import MINUS, measure
from aikd_tune.report.selection import Winner
from aikd_tune.report.tables import Table
from aikd_tune.spec import ABSENT, Choice, Domain, IntRange, LogUniform, Scalar, Space, Study, active_fields

SHOWN = ("val_error", "test_error", "test_nll", "test_ece15", "test_aurc", "test_brier")


def searched_table(study: Study, winner: Winner) -> Table:
    """The searched fields: the winner's value and the domain; a dash where the winner does not use the field."""
    values = study.space.values(winner.setting)
    rows = [
        (path, value_text(values[path]) if path in values else "– (inactive)", domain_text(study.space.domains[path]))
        for path in study.space.order
    ]
    return Table(f"Searched fields of {winner.label}", ("field", "value", "searched over"), rows, text_columns=3)


def fixed_table(space: Space, winner: Winner) -> Table:
    """The fields that were not searched and matter to the winner."""
    rows = [
        (path, value_text(value))
        for path, value in active_fields(winner.setting).items()
        if path not in space.domains and value is not None
    ]
    return Table(f"Fixed fields of {winner.label}", ("field", "value"), rows, text_columns=2)


def confirmation_table(arms: Sequence[Arm], winner: Arm | None, *, val_is_fresh: bool) -> Table:
    """Every arm over its seeds: mean ± half the 95 % interval; the winner's row is the strong one.

    ``val_is_fresh``: whether validation images were kept out of training; without that their errors mean nothing.
    """
    measures = [measure(column) for column in SHOWN if val_is_fresh or not column.startswith("val_")]
    headings = ["arm", "n", *(f"{'val' if shown.split == 'val' else 'test'} {shown.heading}" for shown in measures)]
    rows = [
        [
            arm.label,
            _count(arm),
            *(shown.plus_minus(arm.estimate(shown.name)) for shown in measures),
        ]
        for arm in arms
    ]
    strong = next((index for index, arm in enumerate(arms) if arm is winner), None)
    return Table(
        "Confirmation: mean ± half of the 95 % interval over training seeds", headings, rows, strong_row=strong
    )


def difference_table(arms: Sequence[Arm], baseline: Arm, winner: Arm | None) -> Table:
    """Every other arm minus the CE baseline on test, paired by seed: mean and 95 % interval; descriptive."""
    measures = [measure(column) for column in SHOWN if column.startswith("test_")]
    others = [arm for arm in arms if arm is not baseline]
    rows = []
    for arm in others:
        found = [paired_difference(arm.values(shown.name), baseline.values(shown.name)) for shown in measures]
        cells = [
            "–" if one.mean is None else f"{shown.signed(one.mean)} ({shown.interval(one)})"
            for shown, one in zip(measures, found, strict=True)
        ]
        rows.append([arm.label, str(found[0].n), *cells])
    headings = ["arm minus CE", "pairs", *(f"test {shown.heading}" for shown in measures)]
    strong = next((index for index, arm in enumerate(others) if arm is winner), None)
    return Table(
        "Difference to the CE baseline: mean (95 % interval), paired by seed", headings, rows, strong_row=strong
    )


def value_text(value: Scalar) -> str:
    """A field's value as the study file would say it, numbers to four digits."""
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", MINUS) if value < 0 else f"{value:.4g}"
    return str(value)


def domain_text(domain: Domain) -> str:
    """A domain in words: ``log 0.01 to 10, or 0``."""
    if isinstance(domain, Choice):
        text = ", ".join(value_text(option) for option in domain.options)
    else:
        is_log = isinstance(domain, LogUniform) or (isinstance(domain, IntRange) and domain.log)
        text = f"{'log ' if is_log else ''}{value_text(domain.low)} to {value_text(domain.high)}"
        if isinstance(domain, IntRange) and domain.step != 1:
            text += f" in steps of {domain.step}"
    return text if domain.or_ is ABSENT else f"{text}, or {value_text(domain.or_)}"


def _count(arm: Arm) -> str:
    """Complete trials, and of how many where some are not."""
    complete = len(arm.seeds("complete"))
    return str(complete) if complete == len(arm.trials) else f"{complete} of {len(arm.trials)}"
