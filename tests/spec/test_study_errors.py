"""Broken study files, and the exact line that each must give."""

from pathlib import Path

import pytest
from study_texts import DATA, describe

from aikd_tune.errors import DataError, StudyFileError
from aikd_tune.spec import DataFacts, load_study, parse_study
from aikd_tune.spec.fields import Data


def problems(text: str, name: str = "s.yaml") -> list[str]:
    with pytest.raises(StudyFileError) as caught:
        parse_study(text, name, describe)
    return caught.value.lines


def _broken() -> list[tuple[str, str]]:
    """(text, line) of every case."""
    cases = Path(__file__).with_name("broken_studies.txt").read_text().strip("\n").split("\n\n")[1:]
    return [(text, line) for text, line in (case.split("\n>>> ") for case in cases)]


BROKEN = [
    *_broken(),
    ("seed: \a1", "s.yaml:1: YAML: a character that no text has, found #x0007, nearest valid remove it"),
]


@pytest.mark.parametrize(("text", "line"), BROKEN, ids=[line.split(": ")[1] for _, line in BROKEN])
def test_one_line_a_problem(text: str, line: str) -> None:
    assert problems(text) == [line]


def test_all_problems_of_a_file_at_once_in_the_order_of_its_lines() -> None:
    text = """study: ../x
data: {test: 900, val: 500, train: 2000}
model: {nam: small_cnn}
train: {epochs: 0, lr: !fast 1, momentum: 0.9}
distill:
  temperature: {loguniform: [10, 1], when: {distill.tau: 1}}
  teacher: {weight: {uniform: [0, 1]}}
  ce: complement
confirm: {baselines: [psk]}
"""
    assert [line.split(": ")[:2] for line in problems(text)] == [
        ["s.yaml:1", "study"],
        ["s.yaml:2", "data.train"],
        ["s.yaml:3", "model.nam"],
        ["s.yaml:4", "YAML"],
        ["s.yaml:4", "train.epochs"],
        ["s.yaml:6", "distill.temperature.when.distill.tau"],
        ["s.yaml:6", "distill.temperature.loguniform"],
        ["s.yaml:8", "distill.ce"],
        ["s.yaml:9", "confirm.baselines[0]"],
    ]


def test_the_error_of_a_data_set_becomes_a_line_of_its_path() -> None:
    def unreadable(_: Data) -> DataFacts:
        raise DataError("images/: no Parquet files\nthere")

    with pytest.raises(StudyFileError) as caught:
        parse_study("data:\n  name: parquet_images\n  path: images", "s.yaml", unreadable)
    assert caught.value.lines == ["s.yaml:3: data.path: images/: no Parquet files there"]


def test_a_metric_that_the_set_does_not_have() -> None:
    few = DataFacts(1797, None, 5, (1, 8, 8), "d", tuple("01234"))
    with pytest.raises(StudyFileError) as caught:
        parse_study("search: {metric: val_top5_error}", "s.yaml", lambda _: few)
    assert caught.value.lines == [
        "s.yaml:1: search.metric: needs more than 5 classes (the set has 5), found val_top5_error, "
        "nearest valid val_error"
    ]


def test_describe_is_not_asked_about_a_data_section_that_is_wrong() -> None:
    def never(_: Data) -> DataFacts:
        raise AssertionError

    with pytest.raises(StudyFileError):
        parse_study("data: {name: digit}", "s.yaml", never)


def test_a_file_that_is_not_there_names_one_that_is(tmp_path: Path) -> None:
    (tmp_path / "digits.yaml").write_text(DATA)
    with pytest.raises(StudyFileError) as caught:
        load_study(tmp_path / "digit.yaml", describe)
    assert caught.value.lines == [
        f"{tmp_path}/digit.yaml:1: file: cannot be read (No such file or directory), "
        f"nearest valid {tmp_path}/digits.yaml"
    ]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"seed: 1\nstudy: \xff\n")
    with pytest.raises(StudyFileError) as caught:
        load_study(path, describe)
    assert caught.value.lines == [
        f"{path}:2: YAML: must be UTF-8 text, found byte 0xff, nearest valid the file saved as UTF-8"
    ]


def test_a_study_without_a_name_takes_its_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(DATA, encoding="utf-8-sig")
    assert load_study(path, describe).name == "mine"
    assert problems(DATA, "my study.yaml") == [
        "my study.yaml:1: study: the file's name must be 1 to 64 letters, digits, '.', '_' or '-', a letter or digit "
        "first, found my study, nearest valid study: my-study"
    ]


def test_exit_code_is_that_of_a_wrong_study_file() -> None:
    assert StudyFileError(["x"]).exit_code == 2
