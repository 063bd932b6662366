"""The rules of messages and the types of the fields say the same."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from study_strategies import many, values_of

from aikd_tune.spec.kinds import Section
from aikd_tune.spec.leaves import SETTING_FIELDS, Scalar, section_of
from aikd_tune.spec.names import ALL_FIELDS
from aikd_tune.spec.problems import yaml_text
from aikd_tune.spec.rules import rule_of
from aikd_tune.spec.study_fields import StudyFile

WORDS = [
    "auto",
    "20%",
    "100%",
    "100.5%",
    "256-64",
    "0-1",
    "32\n",
    "none",
    "cosine",
    "0.5",
    "",
    "-1",
    "a b",
    "x" * 65,
    "_a",
]
NUMBERS = [-1, 0, 1, 2, 64, 2**63 - 1, -0.5, 0.0, 0.5, 0.999, 1.0, 1e-300, 1e300, math.inf, -math.inf, math.nan]
VALUES: list[Scalar] = [None, True, False, *WORDS, *NUMBERS]
ANYTHING = st.sampled_from(VALUES) | st.integers() | st.floats() | st.text(max_size=5)


def section_and_name(path: str) -> tuple[type[Section], str]:
    *sections, name = path.split(".")
    kind: type[Section] = StudyFile
    for section in sections:
        inner = section_of(kind.model_fields[section])
        assert inner is not None
        kind = inner
    return kind, name


def taken(kind: type[BaseModel], name: str, value: object) -> bool:
    try:
        kind.model_validate({name: value})
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("path", [path for path, field in ALL_FIELDS.items() if not rule_of(field).many])
def test_a_rule_accepts_what_its_field_takes(path: str) -> None:
    kind, name = section_and_name(path)
    words = [word for word in rule_of(ALL_FIELDS[path]).words() if isinstance(word, str)]
    for value in [*VALUES, *words]:
        assert rule_of(ALL_FIELDS[path]).accepts(value) == taken(kind, name, value), repr(value)


@many
@given(st.sampled_from(list(SETTING_FIELDS)), st.data())
def test_valid_values_are_held_as_their_field_holds_them(path: str, data: st.DataObject) -> None:
    value: Scalar = data.draw(values_of(path))
    kind, name = section_and_name(path)
    held = getattr(kind.model_validate({name: value}), name)
    normal = rule_of(SETTING_FIELDS[path]).normal(value)
    assert (normal, type(normal)) == (held, type(held))


@many
@given(st.sampled_from(list(ALL_FIELDS)), ANYTHING)
def test_each_alternatives_nearest_value_is_valid(path: str, value: Scalar) -> None:
    rule = rule_of(ALL_FIELDS[path])
    for alternative in rule.alternatives:
        near = alternative.nearest(value)
        assert near is None or rule.accepts(near)


@pytest.mark.parametrize(
    ("path", "value", "nearest"),
    [
        ("train.epochs", 0, "1"),
        ("train.epochs", "30", "30"),
        ("train.epochs", 29.7, "30"),
        ("train.lr", 0, "0.05"),
        ("train.lr", math.nan, "0.05"),
        ("train.lr", "1e-3", "0.001"),
        ("train.momentum", -0.1, "0"),
        ("train.momentum", 2, "0.99"),
        ("train.nesterov", 1, "true"),
        ("train.optimizer", "adamax", "adam"),
        ("data.name", "parquet", "parquet_images"),
        ("data.train", 0.25, "25%"),
        ("data.train", "25 %", "25%"),
        ("data.train", "25 percent", "nothing near"),
        ("distill.adversarial.hidden", "256, 64", "256-64"),
        ("distill.adversarial.objective", "WGAN_GP", "wgan-gp"),
        ("search.early_stopping.name", None, "none"),
        ("search.replicates", 3, "1"),
        ("resources.per_trial.gpus", "all", "auto"),
        ("study", "a/b c", "a-b-c"),
    ],
)
def test_the_nearest_valid_value(path: str, value: Scalar, nearest: str) -> None:
    default = ALL_FIELDS[path].get_default()
    found = rule_of(ALL_FIELDS[path]).nearest(value, "nothing near" if default is None else default)
    assert found.strip('"') == nearest


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("cosine", "cosine"),
        ("wgan-gp", "wgan-gp"),
        ("256-64", "256-64"),
        ("32", '"32"'),
        ("null", '"null"'),
        ("a: b", '"a: b"'),
        ("1e-3", '"1e-3"'),
        ('"\n', '"\\U00000022\\U0000000a"'),
        (True, "true"),
        (None, "null"),
        (1e-5, "1e-05"),
        (math.inf, ".inf"),
        ({"choice": ["a", 1]}, "{choice: [a, 1]}"),
    ],
)
def test_values_as_yaml(value: object, text: str) -> None:
    assert yaml_text(value) == text
