"""The columns of the tables: the contract's names, types, units, and names that no tool stumbles over."""

import keyword
import re

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from aikd_tune.spec import SETTING_FIELDS, Setting
from aikd_tune.store import column_name, describe_columns, setting_columns
from aikd_tune.store.schema import COLUMNS, IDENTITY, SCHEMA_VERSION, SCHEMAS, to_arrow

# Transcribed from the contract of the study folder; METRICS once with each split in front.
METRICS = (
    "error top5_error macro_f1 nll ece10 ece15 aurc eaurc brier ece15_scaled nll_scaled teacher_agreement teacher_kl"
)
CONTRACT = {
    "trials": """study kind setting trial trial_key setting_key arm confirm_rank method seed split_seed state model
        epochs_planned batch_size lr weight_decay ce temperature teacher_weight previous_weight previous_source
        adversarial_weight adversarial_objective adversarial_input adversarial_hidden gradient_penalty critic_steps
        config teacher_key epochs_run best_epoch critic_untrained num_parameters discriminator_parameters train_s wait_s
        peak_memory_gib threads host device software started_at finished_at test_look error_message""",
    "teachers": "teacher_key seed train_s host",
    "epochs": """study run_key trial phase seed epoch lr loss loss_ce loss_teacher loss_previous loss_adversarial
        loss_discriminator weight_ce weight_teacher weight_previous weight_adversarial critic_gap grad_norm
        train_error_augmented epoch_s images_per_s""",
    "bins": "trial_key split num_bins bin lower upper num_images accuracy confidence",
    "predictions": "trial_key split image_index label logits",
}
SPLITS = {"trials": ["val", "test"], "teachers": ["val", "test"], "epochs": ["val"]}
BEYOND = {"trials": {column_name(path) for path in SETTING_FIELDS}, "teachers": {"study"}}
INACTIVE_IN_CE = "ce temperature teacher_weight previous_weight previous_source adversarial_weight gradient_penalty"


def changed(**fields: object) -> Setting:
    distill = Setting().distill
    return Setting(distill=distill.model_copy(update=fields))


@pytest.mark.parametrize("table", CONTRACT)
def test_tables_have_the_columns_of_the_contract(table):
    metrics = {f"{split}_{metric}" for split in SPLITS.get(table, []) for metric in METRICS.split()}
    contract = {*CONTRACT[table].split(), *metrics}
    assert contract <= set(SCHEMAS[table].names) <= contract | BEYOND.get(table, set())


def test_every_field_of_a_setting_is_one_column_of_trials():
    names = [column_name(path) for path in SETTING_FIELDS]
    assert len(set(names)) == len(names) == len(setting_columns(Setting()))
    assert set(setting_columns(Setting())) == set(names) <= set(SCHEMAS["trials"].names)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lr", pa.float64()),
        ("ce", pa.string()),  # a number or the word complement
        ("data_train", pa.string()),  # a count or a share
        ("epochs_planned", pa.int64()),
        ("train_nesterov", pa.bool_()),
        ("adversarial_hidden", pa.string()),
        ("distill_previous_ramp", pa.string()),
        ("teacher_batch_size", pa.int64()),
        ("distill_teacher_temperature", pa.float64()),
        ("started_at", pa.timestamp("us")),
        ("critic_untrained", pa.bool_()),
    ],
)
def test_types_of_trials(name, kind):
    assert SCHEMAS["trials"].field(name).type == kind


def test_logits_are_float32():
    assert SCHEMAS["predictions"].field("logits").type == pa.list_(pa.float32())


def test_names_need_no_quoting_in_sql_and_shadow_nothing_in_pandas():
    reserved = {
        word
        for (word,) in duckdb.sql(
            "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
        ).fetchall()
    }
    for row in describe_columns():
        name = row["name"]
        assert re.fullmatch("[a-z][a-z0-9_]*", name)
        assert name not in reserved
        assert not keyword.iskeyword(name)
        assert not hasattr(pd.DataFrame, name), name
        duckdb.sql(f"select 1 as {name}")


def test_columns_are_described():
    rows = describe_columns()
    assert len(rows) == sum(map(len, COLUMNS.values()))
    assert all(row["meaning"] for row in rows)
    by_name = {(row["table"], row["name"]): row for row in rows}
    assert by_name["trials", "val_error"]["unit"] == "%"
    assert by_name["trials", "val_aurc"]["unit"] == "x1000"
    assert by_name["trials", "peak_memory_gib"]["unit"] == "GiB"
    assert by_name["trials", "gradient_penalty"]["null_when"] == "inactive"
    assert by_name["trials", "model"]["null_when"] == ""
    for row in rows:
        if row["name"].endswith("_s") and row["name"] != "images_per_s":
            assert row["unit"] == "s"
    for table, names in IDENTITY.items():
        assert all(by_name[table, name]["null_when"] == "" for name in names)


def test_unit_meaning_and_version_are_in_the_schema():
    schema = SCHEMAS["epochs"]
    assert schema.metadata[b"aikd_tune.schema_version"] == str(SCHEMA_VERSION).encode()
    assert schema.field("epoch_s").metadata == {b"unit": b"s", b"meaning": b"time of the epoch", b"null_when": b""}


def test_active_fields_become_columns_and_inactive_ones_null():
    columns = setting_columns(Setting())
    assert columns["lr"] == 0.05
    assert columns["ce"] == "1.0"
    assert columns["teacher_weight"] == 0.3
    assert columns["gradient_penalty"] == 10.0
    assert columns["adversarial_hidden"] == "256-64"
    assert columns["data_val"] == "10%"

    plain = setting_columns(changed(method="ce"))
    assert {plain[name] for name in INACTIVE_IN_CE.split()} == {None}
    assert plain["method"] == "ce"
    assert plain["lr"] == 0.05

    assert setting_columns(changed(ce="complement"))["ce"] == "complement"
    silent = Setting().distill.adversarial.model_copy(update={"weight": 0.0})
    assert setting_columns(changed(adversarial=silent))["critic_steps"] is None


def test_a_setting_fits_the_schema():
    row = to_arrow("trials", [{**setting_columns(Setting()), "trial": 0}]).to_pylist()[0]
    assert {name: row[name] for name in setting_columns(Setting())} == setting_columns(Setting())


def test_unknown_columns_and_missing_identity_are_our_own_mistakes():
    with pytest.raises(AssertionError, match="epochs has no column losss"):
        to_arrow("epochs", [{"run_key": "a", "phase": "student", "epoch": 1, "losss": 1.0}])
    with pytest.raises(AssertionError, match="without"):
        to_arrow("epochs", [{"run_key": "a", "phase": None, "epoch": 1}])
