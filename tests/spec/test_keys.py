"""Keys: equal exactly where results must be."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_strategies import many, settings_of, values_of

from aikd_tune.spec import SETTING_FIELDS, Setting, flatten, setting_key, teacher_key, trial_key, views_key
from aikd_tune.spec.activity import active_fields, teacher_train
from aikd_tune.spec.defaults import fill
from aikd_tune.spec.keys import canonical
from aikd_tune.spec.leaves import unflatten


def changed(setting: Setting, **paths: object) -> Setting:
    return unflatten(flatten(setting) | {path.replace("__", "."): value for path, value in paths.items()})  # type: ignore[arg-type]  # scalars


def teacher(setting: Setting, seed: int = 0, train_on: str = "train", threads: int = 1, kind: str = "cpu") -> str:
    return teacher_key(setting, seed, "f", train_on, threads, kind)


PLACES = ("data.path", "data.fingerprint", "teacher.file")  # contents count, and those by their digests


@many
@given(settings_of(), st.data())
def test_an_active_field_changes_the_setting_key(setting: Setting, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for path in active_fields(setting) if path not in PLACES]))
    value = data.draw(values_of(path), label=path)
    other = changed(setting, **{path: value})
    form = canonical(setting)
    in_force = flatten(setting)[path] if path == "distill.temperature" else form.get(path, "none")
    if value is None or value == in_force:
        return
    if path == "train.label_smoothing" and setting.distill.ce == 0:
        in_force = teacher_train(setting).label_smoothing  # of the teacher alone
    assert (setting_key(other, "f") == setting_key(setting, "f")) == (value == in_force)


@many
@given(settings_of())
def test_filling_in_defaults_changes_no_key(setting: Setting) -> None:
    for key in (setting_key, lambda s, f: trial_key(s, 1, f), lambda s, f: views_key(s, 1, f, "train")):
        assert key(fill(setting), "f") == key(setting, "f")
    assert teacher(fill(setting)) == teacher(setting)


def test_the_path_of_the_data_is_in_no_key_but_the_fingerprint_is_in_all() -> None:
    a = Setting.model_validate({"data": {"name": "parquet_images", "path": "a"}})
    b = changed(a, data__path="b")
    keys = [setting_key, lambda s, f: trial_key(s, 0, f), lambda s, f: views_key(s, 0, f, "train")]
    keys.append(lambda s, f: teacher_key(s, 0, f, "train", 1, "cpu"))
    for key in keys:
        assert key(a, "f") == key(b, "f") != key(a, "g")


@pytest.mark.parametrize("field", ["epochs", "batch_size", "lr", "momentum", "nesterov", "weight_decay", "lr_schedule"])
def test_what_the_teacher_inherits_counts_as_written_out(field: str) -> None:
    inherited = Setting()
    written = changed(inherited, **{f"teacher.{field}": flatten(inherited)[f"train.{field}"]})
    assert setting_key(written, "f") == setting_key(inherited, "f")
    assert teacher(written) == teacher(inherited)


def test_a_temperature_of_a_term_counts_as_the_shared_one() -> None:
    apart = changed(Setting(), distill__teacher__temperature=4.0, distill__previous__temperature=4.0)
    assert setting_key(apart, "f") == setting_key(Setting(), "f")
    assert setting_key(apart, "f") == setting_key(changed(apart, distill__temperature=9.0), "f")


def test_a_number_is_the_same_however_it_is_written() -> None:
    whole = Setting.model_validate({"distill": {"ce": 1, "teacher": {"weight": 0}}})
    point = Setting.model_validate({"distill": {"ce": 1.0, "teacher": {"weight": -0.0}}})
    assert setting_key(whole, "f") == setting_key(point, "f")


@many
@given(settings_of(), st.data())
def test_the_teacher_key_depends_on_phase_one_alone(setting: Setting, data: st.DataObject) -> None:
    paths = [path for path in SETTING_FIELDS if path.startswith("distill.")]
    path = data.draw(st.sampled_from(paths))
    assert teacher(changed(setting, **{path: data.draw(values_of(path))})) == teacher(setting)


def test_the_teacher_key_has_seed_split_threads_and_device() -> None:
    keys = {
        teacher(Setting()),
        teacher(Setting(), seed=1),
        teacher(Setting(), train_on="train+val"),
        teacher(Setting(), threads=2),
        teacher(Setting(), kind="cuda"),
        teacher(changed(Setting(), train__lr=0.1)),
        teacher(changed(Setting(), teacher__lr=0.1, train__epochs=3)),
        teacher(changed(Setting(), data__views__shift=2)),
        teacher(changed(Setting(), model__width=8)),
    }
    assert len(keys) == 9


def test_a_teacher_that_overrides_all_is_shared_by_students() -> None:
    own = changed(Setting(), teacher__lr=0.1)
    assert teacher(own) == teacher(changed(own, train__lr=0.7))


def test_the_trial_key_has_the_seed_and_what_is_trained_on() -> None:
    keys = {setting_key(Setting(), "f")}
    keys |= {trial_key(Setting(), seed, "f", train_on) for seed in (0, 1) for train_on in ("train", "train+val")}
    assert len(keys) == 5
    assert trial_key(Setting(), 0, "f") == trial_key(Setting(), 0, "f", "train")


@pytest.mark.parametrize("path", ["data.split_seed", "data.val", "data.train", "data.views.shift"])
def test_views_depend_on_the_data_section(path: str) -> None:
    assert views_key(changed(Setting(), **{path: 3}), 0, "f", "train") != views_key(Setting(), 0, "f", "train")


@pytest.mark.parametrize("path", ["train.lr", "teacher.lr", "distill.temperature"])
def test_views_depend_on_nothing_else(path: str) -> None:
    assert views_key(changed(Setting(), **{path: 3.0}), 0, "f", "train") == views_key(Setting(), 0, "f", "train")


def test_keys_are_those_of_every_process() -> None:
    """Written down: a key that changes makes every finished study unknown (raise NUMERICS only with the numbers)."""
    expected = "dc81805124522b70 2186a029dfd400f8"
    code = (
        "from aikd_tune.spec import Setting, setting_key, teacher_key\n"
        "print(setting_key(Setting(), 'f')[:16], teacher_key(Setting(), 0, 'f', 'train', 1, 'cpu')[:16])"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_a_key_is_a_whole_sha256() -> None:
    key = setting_key(Setting(), "f")
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")
