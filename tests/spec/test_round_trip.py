"""Studies as text and back."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_strategies import asked, many, studies
from study_texts import CIFAR, describe

from aikd_tune.errors import StudyFileError
from aikd_tune.spec import (
    Setting,
    Study,
    differences,
    dump_setting,
    dump_study,
    load_study,
    parse_study,
    setting_key,
    trial_key,
)
from aikd_tune.spec.document import read_document
from aikd_tune.spec.problems import Problems, yaml_text

SHIPPED = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))


@many
@given(studies())
def test_reading_what_was_written_gives_an_equal_study(study: Study) -> None:
    again = parse_study(dump_study(study), "other.yaml")
    assert again == study
    assert differences(study, again) == []


@many
@given(studies(), st.data())
def test_one_setting_as_a_study_of_its_own(study: Study, data: st.DataObject) -> None:
    setting = asked(data, study)
    alone = parse_study(dump_setting(study, setting), "other.yaml")
    assert setting_key(alone.base, "f") == setting_key(setting, "f")
    assert alone.space.domains == {}
    assert (alone.name, alone.seed, alone.search.trials) == ("s-best", study.seed, 1)
    assert alone.search.early_stopping.name == "none"


@pytest.mark.parametrize(
    "domain",
    [
        "{uniform: [1.0, 2.5], or: 0.5}",
        "{loguniform: [1e-05, 10.0]}",
        "{int: [1, 9], step: 4}",
        "{int: [1, 9], log: true, or: 20.0}",
        "{choice: [1.0, 2.0], when: {train.lr_schedule: [cosine, constant]}}",
    ],
)
def test_domains_as_they_are_written(domain: str) -> None:
    study = parse_study(f"distill: {{temperature: {domain}}}", "s.yaml", describe)
    assert f"  temperature: {domain}\n" in dump_study(study)
    assert parse_study(dump_study(study), "x.yaml") == study


def test_one_setting_leaves_out_what_it_switches_off() -> None:
    study = parse_study("teacher: {momentum: {choice: [0, 0.9]}, nesterov: true}", "s.yaml", describe)
    setting = study.space.resolve(study.base, {"teacher.momentum": 0.0})
    alone = parse_study(dump_setting(study, setting), "x.yaml")  # nesterov: true without momentum would be refused
    assert (alone.base.teacher.momentum, alone.base.teacher.nesterov) == (0, None)


def test_the_name_of_one_setting() -> None:
    study = parse_study("{}", "s.yaml", describe)
    assert parse_study(dump_setting(study, study.base, "mine"), "x.yaml").name == "mine"
    long = replace(study, name="n" * 64)
    assert len(parse_study(dump_setting(long, study.base), "x.yaml").name) == 64


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_studies_are_valid_and_survive(path: Path) -> None:
    study = load_study(path, describe)
    assert study.name == path.stem
    assert parse_study(dump_study(study), "x.yaml") == study


def test_the_digits_study_is_that_of_the_contract() -> None:
    study = load_study(next(path for path in SHIPPED if path.name == "digits.yaml"), describe)
    assert (study.base.data.test, study.base.data.val, study.base.data.train) == (900, 500, 300)
    assert (study.search.trials, study.base.train.epochs, study.confirm.replicates) == (40, 30, 10)
    assert set(study.space.domains) == {
        "distill.temperature",
        "distill.teacher.weight",
        "distill.previous.weight",
        "distill.adversarial.weight",
        "distill.adversarial.hidden",
        "distill.adversarial.gradient_penalty",
    }
    assert (study.base.distill.adversarial.critic_steps, study.base.distill.adversarial.lr) == (5, 1e-3)


@many
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    )
)
def test_any_value_reads_as_it_was_written(value: object) -> None:
    problems = Problems("x.yaml")
    root = read_document(f"key: {yaml_text(value)}", problems)
    assert not problems, problems.lines()
    assert _plain(root.entries[0].item) == value  # type: ignore[union-attr]  # one entry was written


def _plain(item: object) -> object:
    return [_plain(child) for child in item.items] if hasattr(item, "items") else item.value  # type: ignore[attr-defined]  # a scalar or a list


PARTS = "study seed data train teacher distill search early_stopping confirm previous adversarial"
LEAVES = "lr weight temperature name ce val test epochs momentum method baselines distill.ce 1"
KEYS = f"{PARTS} {LEAVES} uniform loguniform int choice or when step log".split()
WORDS = [*KEYS, "complement", "aikd", "10%", "5"]
WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
SIGNS = "ab:{}[]&*!%@'\"\\\t\n #-,?|>1.~<="


def lines_of(text: str) -> list[str]:
    """What the loader has to say about ``text``: nothing where it is a study."""
    try:
        parse_study(text, "s.yaml", describe)
    except StudyFileError as error:
        return error.lines or ["an error without a line"]
    return []


@many
@given(st.dictionaries(st.sampled_from(KEYS), WILD, max_size=6).map(yaml_text) | st.text(st.sampled_from(SIGNS)))
def test_no_text_however_wild_ends_in_anything_but_lines(text: str) -> None:
    assert all(re.fullmatch(r"s\.yaml:[1-9][0-9]*: [^\n]+", line) for line in lines_of(text))


def test_sizes_become_counts_and_defaults_are_filled_in() -> None:
    study = parse_study("{}", "s.yaml", describe)
    data = study.base.data
    assert (data.test, data.val, data.train) == (359, 179, 1797 - 359 - 179)
    assert (data.views.shift, data.views.flip, study.base.model.width) == (1, False, 16)
    text = "data: {name: parquet_images, path: x, train: 20%}\nmodel: {name: resnet18_cifar}"
    wide = parse_study(text, "s.yaml", describe).base
    assert (wide.data.test, wide.data.val, wide.data.train) == (None, CIFAR.num_images // 10, CIFAR.num_images // 5)
    assert (wide.data.views.shift, wide.data.views.flip, wide.model.width) == (4, True, 64)


def test_shares_and_counts_of_one_size_give_one_key() -> None:
    keys = {
        trial_key(parse_study(f"data: {{test: 900, val: 179, train: {train}}}", "s.yaml", describe).base, 0, "f")
        for train in ("718", "40%", "null")
    }
    assert len(keys) == 1


def test_sizes_may_be_searched() -> None:
    text = "data: {test: 900, val: 500, train: {choice: [100, 10%, 179, null]}}"
    study = parse_study(text, "s.yaml", describe)
    assert list(study.space.domains["data.train"].members) == [100, 179, 397]  # type: ignore[union-attr]  # a choice
    assert study.base.data.train == 397


def test_yaml_1_2() -> None:
    study = parse_study("train: {lr: 1e-4, weight_decay: 5e-4}\nteacher:\nsearch: {trials: 010}", "s.yaml", describe)
    assert (study.base.train.lr, study.base.train.weight_decay, study.search.trials) == (1e-4, 5e-4, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("distill: {temperature: {loguniform: [1, 10]}}", 4.0),  # the default lies inside
        ("distill: {temperature: {loguniform: [6, 10]}}", 6.0),
        ("distill: {temperature: {choice: [1, 3, 8]}}", 3.0),
    ],
)
def test_the_base_has_the_value_nearest_to_the_default(text: str, expected: float) -> None:
    assert parse_study(text, "s.yaml", describe).base.distill.temperature == expected


def test_the_base_of_an_inherited_field_is_near_what_it_inherits() -> None:
    text = (
        "train: {lr: 0.2}\nteacher: {lr: {uniform: [0.1, 0.9]}}\n"
        "distill: {temperature: 6, teacher: {temperature: {choice: [2, 7]}}}"
    )
    base = parse_study(text, "s.yaml", describe).base
    assert (base.teacher.lr, base.distill.teacher.temperature) == (0.2, 7.0)


@pytest.mark.parametrize(("epochs", "rung", "name"), [(30, 10, "asha"), (9, 3, "asha"), (2, 1, "asha"), (1, 1, "none")])
def test_the_first_rung_suits_short_trials(epochs: int, rung: int, name: str) -> None:
    stopping = parse_study(f"train: {{epochs: {epochs}}}", "s.yaml", describe).search.early_stopping
    assert (stopping.min_epochs, stopping.name) == (rung, name)


def test_without_momentum_there_is_no_nesterov() -> None:
    assert parse_study("train: {momentum: 0}", "s.yaml", describe).base.train.nesterov is False


def test_the_width_stays_open_while_the_network_is_searched() -> None:
    study = parse_study("model: {name: {choice: [small_cnn, resnet18_cifar]}}", "s.yaml", describe)
    assert study.base.model.width is None
    assert study.space.resolve(study.base, {"model.name": "resnet18_cifar"}).model.width == 64


def test_a_setting_is_not_shared_by_hand() -> None:
    """Frozen: a study cannot change under its keys."""
    with pytest.raises(ValueError, match="frozen"):
        Setting().train.lr = 1.0
