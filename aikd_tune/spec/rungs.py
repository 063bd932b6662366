"""Where early stopping decides."""

from aikd_tune.spec.study_fields import EarlyStopping


def rung_epochs(early_stopping: EarlyStopping, epochs: int) -> tuple[int, ...]:
    """Epochs at which a trial may be stopped: ``min_epochs * reduction**k`` below ``epochs``; none without halving."""
    if early_stopping.name == "none":
        return ()
    levels = []
    level = early_stopping.min_epochs
    while level < epochs:
        levels.append(level)
        level *= early_stopping.reduction
    return tuple(levels)
