"""The fields of a study file that no trial's result depends on: what is searched for, confirmed, and where it runs."""

from typing import Annotated, Literal

from pydantic import Field

from aikd_tune.spec.fields import Data, Distill, Model, TeacherTrain, Train
from aikd_tune.spec.kinds import NAME, Count, NonNegative, Section

MetricName = Literal[
    "val_error",
    "val_top5_error",
    "val_macro_f1",
    "val_nll",
    "val_ece10",
    "val_ece15",
    "val_aurc",
    "val_eaurc",
    "val_brier",
]
MAXIMISED_METRICS = frozenset({"val_macro_f1"})


class EarlyStopping(Section):
    """Rungs of successive halving, decided as results arrive."""

    name: Literal["none", "asha"] = Field("asha", description="none, or asynchronous successive halving")
    min_epochs: Count = Field(10, description="epochs before the first decision")
    reduction: Annotated[int, Field(ge=2)] = Field(3, description="the best 1/reduction of a rung go on")


class Search(Section):
    """What is optimised, for how long and by what."""

    metric: MetricName = Field("val_error", description="the validation metric to optimise")
    tie_break: MetricName = Field("val_nll", description="decides between equal values of metric")
    trials: Count = Field(40, description="settings in all; raise it to extend a study")
    sampler: Literal["tpe", "random", "grid"] = Field(
        "tpe", description="how the next setting is chosen; grid: every setting of a space of choices and integers"
    )
    early_stopping: EarlyStopping = Field(default_factory=EarlyStopping)
    replicates: Annotated[int, Field(ge=1, le=1)] = Field(1, description="seeds per setting (1 in this version)")


class Confirm(Section):
    """Retraining of the best settings and of the baselines over fresh seeds; the only place where test is opened."""

    settings: Annotated[int, Field(ge=0)] = Field(3, description="best settings to confirm; 0 = no confirmation")
    replicates: Count = Field(10, description="fresh seeds for every confirmed setting and baseline")
    train_on: Literal["train", "train+val"] = Field(
        "train", description="train+val for published tables: validation then selects nothing in the confirmation"
    )
    baselines: tuple[Literal["ce", "label_smoothing"], ...] = Field(
        ("ce", "label_smoothing"), description="methods to confirm beside the settings, with the same seeds"
    )


class PerTrial(Section):
    """What one trial occupies."""

    cpus: Count = Field(1, description="CPU cores, and torch threads, of a trial")
    gpus: NonNegative | Literal["auto"] = Field("auto", description="GPUs of a trial; auto: one where there is one")


class Resources(Section):
    """Where and how trials run; never part of a key."""

    per_trial: PerTrial = Field(default_factory=PerTrial)
    max_concurrent: Count | None = Field(None, description="trials at once; default: as many as fit")
    max_retries: Annotated[int, Field(ge=0)] = Field(3, description="new starts of a trial whose worker died")
    checkpoint_every_s: NonNegative = Field(60.0, description="at most one checkpoint of a trial in this many seconds")
    drain_s: NonNegative = Field(
        60.0,
        description="after Ctrl-C or SIGTERM running epochs have this many seconds to end; then trials are left at "
        "their last checkpoints",
    )
    teacher_cache_gib: NonNegative = Field(
        4.0,
        description="teacher logits kept for the views of one seed, at most; above it they are computed every epoch",
    )


class StudyFile(Section):
    """Everything a study file may hold."""

    study: Annotated[str, Field(pattern=NAME)] | None = Field(
        None, description="name of the study and of its results folder; default: the file's name"
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="base of every training seed")
    data: Data = Field(default_factory=Data)
    model: Model = Field(default_factory=Model)
    train: Train = Field(default_factory=Train)
    teacher: TeacherTrain = Field(default_factory=TeacherTrain)
    distill: Distill = Field(default_factory=Distill)
    search: Search = Field(default_factory=Search)
    confirm: Confirm = Field(default_factory=Confirm)
    resources: Resources = Field(default_factory=Resources)
