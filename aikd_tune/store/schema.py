"""The tables: full, fixed, typed schemas. Every file of a table carries the same one, to the byte."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa

from aikd_tune.store.columns import SETTING_COLUMNS, Column, Kind

Row = Mapping[str, Any]
Table = Literal["trials", "teachers", "epochs", "bins", "predictions"]

SCHEMA_VERSION = 2
"""Raised whenever a column is added, removed or changes its meaning."""

VERSION_KEY = b"aikd_tune.schema_version"
TABLE_KEY = b"aikd_tune.table"

_TYPES: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    # UTC without a time zone: with one, DuckDB asks for a library that nothing here needs, and shows local times.
    "time": pa.timestamp("us"),
    "logits": pa.list_(pa.field("element", pa.float32())),
}

_METRICS: tuple[tuple[str, str, str], ...] = (
    ("error", "%", "top-1 error"),
    ("top5_error", "%", "top-5 error"),
    ("macro_f1", "%", "macro-averaged F1"),
    ("nll", "nats", "mean cross-entropy at temperature 1"),
    ("ece10", "%", "expected calibration error, 10 equal-width bins (lo, hi]"),
    ("ece15", "%", "expected calibration error, 15 equal-width bins (lo, hi]"),
    ("aurc", "x1000", "area under the risk-coverage curve"),
    ("eaurc", "x1000", "AURC minus that of the best possible order"),
    ("brier", "0 to 2", "mean squared distance of probabilities and one-hot labels"),
    ("ece15_scaled", "%", "ece15 after temperature scaling fitted on validation"),
    ("nll_scaled", "nats", "nll after temperature scaling fitted on validation"),
    ("teacher_agreement", "%", "images where the top-1 class is the teacher's"),
    ("teacher_kl", "nats", "mean KL(teacher || student) at temperature 1"),
)
_SPLITS = {"val": "validation", "test": "test"}
_METRIC_NULLS = {"top5_error": "at most 5 classes", "teacher_agreement": "no teacher", "teacher_kl": "no teacher"}


def _metrics(split: Literal["val", "test"], null_when: str) -> tuple[Column, ...]:
    return tuple(
        Column(
            f"{split}_{name}",
            "float",
            unit,
            f"{meaning}, on the {_SPLITS[split]} images",
            "; ".join(filter(None, (null_when, _METRIC_NULLS.get(name)))),
        )
        for name, unit, meaning in _METRICS
    )


_RUNNING = "not ended yet"

_TRIALS = (
    Column("study", "text", "", "name of the study"),
    Column("kind", "text", "", "what the trial is for: search, confirmation, ablation or retune"),
    Column("setting", "int", "", "number of the setting (Optuna's number in a search)", "a baseline"),
    Column("trial", "int", "", "number of the trial in the study"),
    Column("trial_key", "text", "SHA-256", "identity of setting, seed and data"),
    Column("setting_key", "text", "SHA-256", "identity of setting and data"),
    Column("arm", "text", "", "what is compared: a confirmed setting, a baseline, a cell of an ablation", "search"),
    Column("confirm_rank", "int", "", "rank of the setting in the search, from 1", "not a confirmed setting"),
    Column("seed", "int", "", "training seed"),
    Column("state", "text", "", "running, complete, pruned, diverged or failed"),
    *SETTING_COLUMNS.values(),
    Column("config", "text", "JSON", "the whole setting, inactive fields included"),
    Column("teacher_key", "text", "SHA-256", "identity of phase 1", "no teacher"),
    Column("epochs_run", "int", "epochs", "student epochs done", _RUNNING),
    Column("best_epoch", "int", "epoch", "student epoch with the lowest validation error", _RUNNING),
    Column("critic_untrained", "bool", "", "the critic's gap stayed at an untrained critic's", "no discriminator"),
    Column("num_parameters", "int", "parameters", "size of the student", _RUNNING),
    Column("discriminator_parameters", "int", "parameters", "size of the discriminator", "no discriminator"),
    Column("train_s", "float", "s", "time of training, phase 1 included if this trial did it", _RUNNING),
    Column("wait_s", "float", "s", "time of waiting for a teacher that another trial trained", _RUNNING),
    Column("peak_memory_gib", "float", "GiB", "most memory in use: the GPU's, else the process's", _RUNNING),
    Column("threads", "int", "threads", "CPU threads of the trial", _RUNNING),
    Column("host", "text", "", "machine", _RUNNING),
    Column("device", "text", "", "CPU or GPU", _RUNNING),
    Column("software", "text", "", "versions that the numbers depend on", _RUNNING),
    Column("started_at", "time", "UTC", "when the trial was first handed out"),
    Column("finished_at", "time", "UTC", "when the trial ended", _RUNNING),
    Column("test_look", "int", "", "which opening of the test set the trial belongs to", "test set closed"),
    Column("error_message", "text", "", "why the trial failed, in one line", "not failed"),
    *_metrics("val", "no epoch done"),
    *_metrics("test", "test set closed"),
)

_TEACHERS = (
    Column("study", "text", "", "name of the study that trained or first used the teacher"),
    Column("teacher_key", "text", "SHA-256", "identity of phase 1"),
    Column("seed", "int", "", "training seed"),
    *_metrics("val", "diverged"),
    *_metrics("test", "test set closed"),
    Column("train_s", "float", "s", "time of phase 1"),
    Column("host", "text", "", "machine that trained it"),
)

_LOSS = "mean over the epoch's images, before its weight"
_OFF = "term off"

_EPOCHS = (
    Column("study", "text", "", "name of the study"),
    Column("run_key", "text", "SHA-256", "trial key of a student, teacher key of a teacher"),
    Column("trial", "int", "", "number of the trial", "a teacher"),
    Column("phase", "text", "", "teacher or student"),
    Column("seed", "int", "", "training seed"),
    Column("epoch", "int", "epoch", "from 1"),
    Column("lr", "float", "", "learning rate in force"),
    Column("loss", "float", "", "the whole loss, mean over the epoch's images"),
    Column("loss_ce", "float", "nats", f"cross-entropy, {_LOSS}"),
    Column("loss_teacher", "float", "nats", f"t^2 KL(teacher || student), {_LOSS}", _OFF),
    Column("loss_previous", "float", "nats", f"t^2 KL(previous || student), {_LOSS}", _OFF),
    Column("loss_adversarial", "float", "", f"the student's adversarial loss, {_LOSS}", _OFF),
    Column("loss_discriminator", "float", "", "the discriminator's loss, mean over the epoch", _OFF),
    Column("weight_ce", "float", "", "weight of cross-entropy in force"),
    Column("weight_teacher", "float", "", "weight of the teacher's term in force", _OFF),
    Column("weight_previous", "float", "", "weight of the previous student's term in force", _OFF),
    Column("weight_adversarial", "float", "", "weight of the adversarial term in force", _OFF),
    Column("critic_gap", "float", "", "mean D(teacher) - mean D(student)", _OFF),
    Column("grad_norm", "float", "", "L2 norm of the student's gradient, mean over steps", "no finite step (fp16)"),
    Column("train_error_augmented", "float", "%", "top-1 error on the epoch's training views, while training"),
    *_metrics("val", "not measured every epoch"),
    Column("epoch_s", "float", "s", "time of the epoch"),
    Column("images_per_s", "float", "images/s", "training images per second"),
)

_BINS = (
    Column("trial_key", "text", "SHA-256", "the trial, or the teacher key of a teacher"),
    Column("split", "text", "", "val or test"),
    Column("num_bins", "int", "bins", "bins of this diagram"),
    Column("bin", "int", "", "number of the bin, from 0"),
    Column("lower", "float", "", "lower edge of confidence, outside the bin"),
    Column("upper", "float", "", "upper edge of confidence, inside the bin"),
    Column("num_images", "int", "images", "images in the bin"),
    Column("accuracy", "float", "", "share of them that is right, 0 to 1", "bin empty"),
    Column("confidence", "float", "", "their mean confidence, 0 to 1", "bin empty"),
)

_PREDICTIONS = (
    Column("trial_key", "text", "SHA-256", "the trial"),
    Column("split", "text", "", "val or test"),
    Column("image_index", "int", "", "the image's place in its set"),
    Column("label", "int", "", "true class"),
    Column("logits", "logits", "", "the network's output, one per class"),
)

COLUMNS: Mapping[Table, tuple[Column, ...]] = {
    "trials": _TRIALS,
    "teachers": _TEACHERS,
    "epochs": _EPOCHS,
    "bins": _BINS,
    "predictions": _PREDICTIONS,
}

IDENTITY: Mapping[Table, tuple[str, ...]] = {
    "trials": ("trial",),
    "teachers": ("teacher_key",),
    "epochs": ("run_key", "phase", "epoch"),
    "bins": ("trial_key", "split", "num_bins", "bin"),
    "predictions": ("trial_key", "split", "image_index"),
}
"""The columns that make a row the one it is: never null, and no two rows of a table agree in them."""


def _schema(table: Table) -> pa.Schema:
    fields = [
        pa.field(
            column.name,
            _TYPES[column.kind],
            metadata={"unit": column.unit, "meaning": column.meaning, "null_when": column.null_when},
        )
        for column in COLUMNS[table]
    ]
    return pa.schema(fields, metadata={VERSION_KEY: str(SCHEMA_VERSION), TABLE_KEY: table})


SCHEMAS: Mapping[Table, pa.Schema] = {table: _schema(table) for table in COLUMNS}


def to_arrow(table: Table, rows: Sequence[Row]) -> pa.Table:
    """Rows as an Arrow table with the table's schema; a column that a row leaves out is null."""
    schema = SCHEMAS[table]
    known = set(schema.names)
    for row in rows:
        unknown = row.keys() - known
        assert not unknown, f"{table} has no column {', '.join(sorted(unknown))}"
        assert all(row.get(name) is not None for name in IDENTITY[table]), f"{table}: a row without {IDENTITY[table]}"
    return pa.Table.from_pylist(list(rows), schema=schema)


def describe_columns() -> list[dict[str, str]]:
    """Every column of every table as a row: table, name, type, unit, meaning, null_when."""
    return [
        {
            "table": table,
            "name": column.name,
            "type": str(_TYPES[column.kind]),
            "unit": column.unit,
            "meaning": column.meaning,
            "null_when": column.null_when,
        }
        for table, columns in COLUMNS.items()
        for column in columns
    ]
