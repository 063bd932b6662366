import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from ruamel.yaml import YAML
from study_strategies import many, study_files
from study_texts import describe

from aikd_tune.errors import StudyFileError
from aikd_tune.spec import dump_study, json_schema, load_study, parse_study, starter
from aikd_tune.spec.names import ALL_FIELDS

DIGITS = Path(__file__).parents[2] / "search_spaces" / "digits.yaml"


def plain(text: str) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    return yaml.load(text)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_shipped_study_is_valid(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(plain(DIGITS.read_text()))
    validator.validate(plain(dump_study(load_study(DIGITS, describe))))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("trian: {}", []),
        ("train: {learning_rate: 0.1}", ["train"]),
        ("train: {lr: 0}", ["train", "lr"]),
        ("train: {lr: '0.1'}", ["train", "lr"]),
        ("train: {epochs: 1.5}", ["train", "epochs"]),
        ("train: {momentum: 1}", ["train", "momentum"]),
        ("train: {lr: {loguniform: [0.1]}}", ["train", "lr"]),
        ("train: {lr: {log_uniform: [0.1, 1]}}", ["train", "lr"]),
        ("train: {epochs: {uniform: [1, 9]}}", ["train", "epochs"]),
        ("train: {lr_schedule: {choice: [steps]}}", ["train", "lr_schedule"]),
        ("distill: {adversarial: {hidden: 256}}", ["distill", "adversarial", "hidden"]),
        ("search: {metric: test_error}", ["search", "metric"]),
        ("search: {trials: {int: [1, 9]}}", ["search", "trials"]),
        ("data: {val: {int: [1, 9]}}", ["data", "val"]),
        ("study: ../x", ["study"]),
        ("confirm: {baselines: [ce, ce]}", ["confirm", "baselines"]),
    ],
)
def test_a_broken_study_is_not(validator: jsonschema.Draft202012Validator, text: str, path: list[str]) -> None:
    errors = list(validator.iter_errors(plain(text)))
    assert [list(error.absolute_path) for error in errors] == [path]


@many
@given(study_files())
def test_what_the_loader_reads_the_schema_allows(text: str) -> None:
    try:
        parse_study(text, "s.yaml", describe)
    except StudyFileError:
        return
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(text))


def test_every_field_is_described() -> None:
    schema = json_schema()
    for path in ALL_FIELDS:
        node: Any = schema
        for name in path.split("."):
            node = node["properties"][name]
        assert node["description"], path


def test_the_schema_is_json() -> None:
    assert json.loads(json.dumps(json_schema())) == json_schema()


def test_the_starter_is_a_valid_study(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(plain(starter()))
    assert parse_study(starter(), "s.yaml", describe).name == "my-study"
    assert parse_study(starter("1e3"), "s.yaml", describe).name == "1e3"
