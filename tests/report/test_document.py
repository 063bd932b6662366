import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from synthetic_study import STUDY, Synthetic, by_seed

from aikd_tune.errors import StudyFolderError, UsageError
from aikd_tune.report import importances as module
from aikd_tune.report.document import build_report, page

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Checker(HTMLParser):
    """Every tag is closed, every id is unique, every link inside the page leads somewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        values = dict(attrs)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if tag == "a":
            self.links.append(str(values["href"]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _check(html: str) -> str:
    """The text of a sound, self-contained page."""
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    assert len(set(checker.ids)) == len(checker.ids)
    assert all(link.startswith("#") and link[1:] in checker.ids for link in checker.links)
    outside = set(re.findall(r'(?:src|href)="(?!#)([^"]*)"', html)) | set(re.findall(r"url\((?!#)", html))
    assert outside == set()
    assert "<script" not in html
    assert len(html.encode()) < 2_000_000
    return " ".join(" ".join(checker.text).split())


@pytest.fixture
def few_shuffles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_SHUFFLES", 5)


def _whole(root: Path) -> Synthetic:
    study = Synthetic(root)
    rng = np.random.default_rng(0)
    study.search(
        [*rng.normal(6, 0.5, 10), 30.0, None],
        ["complete"] * 10 + ["pruned", "failed"],
    )
    best = min((row["val_error"], row["setting"]) for row in study.trials if row["state"] == "complete")[1]
    ce = rng.normal(7, 0.3, 10)
    ours = list(ce - rng.normal(1, 0.2, 10))
    study.confirm(f"setting {best}", by_seed([5.0] * 10), by_seed(ours), number=best, rank=1, look=2)
    study.confirm("ce", by_seed([5.5] * 10), by_seed(list(ce)), look=2)
    study.confirm("label_smoothing", by_seed([5.5] * 10), by_seed(list(ce + 0.1)), look=2)
    return study


@pytest.mark.usefixtures("few_shuffles")
def test_a_whole_study_from_its_folder(tmp_path: Path) -> None:
    study = _whole(tmp_path)
    study.trials[-1]["error_message"] = None
    study.trials[11]["error_message"] = "ValueError: <b>& more"
    html = build_report([study.save()])
    text = _check(html)
    assert "<title>digits: aikd-tune report</title>" in html
    assert "&lt;b&gt;&amp; more" in html
    sections = re.findall(r"<h2>(.*?)</h2>", html)
    assert [title.split(":")[0] for title in sections] == [
        "The best setting",
        "Confirmation",
        "Search",
        "Calibration",
        "What it cost",
        "Trials",
        "Provenance",
    ]
    assert html.count("<svg") == 8
    assert "Paired seeds 10 " in text
    assert "CE tuned no " in text
    assert "Test looks 2 " in text
    assert "The test set was opened 2 times." in text
    assert "aikd-tune run digits.yaml --results again" in text
    assert "study: digits-best" in text


def test_the_answer_comes_first(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0])
    study.epochs.clear()
    study.bins.clear()
    html = page([study.records()])
    assert re.findall(r"<h1>(.*?)</h1>", html) == ["No answer yet"]
    assert html.index("<h1>") < html.index("<h2>")
    assert "The confirmation has not begun, and the test set is closed until then." in html


def test_several_studies_share_a_page(tmp_path: Path) -> None:
    studies = [Synthetic(tmp_path, STUDY.replace("study: digits", f"study: {name}")) for name in ("one", "two")]
    studies[0].search([5.0])
    html = page([study.records() for study in studies])
    _check(html)
    assert re.findall(r"<h1>(.*?)</h1>", html) == ["2 studies"]
    assert re.findall(r"<h2>(.*?)</h2>", html) == ["No answer yet", "No answer yet"]
    assert "<title>one, two: aikd-tune report</title>" in html
    assert html.count("<article") == 2


STATES = {
    "empty": [],
    "one trial": ["complete"],
    "one running": ["running"],
    "only failed": ["failed", "failed"],
    "only diverged": ["diverged"],
    "only stopped": ["pruned", "diverged"],
}


@pytest.mark.parametrize("states", STATES.values(), ids=STATES.keys())
def test_a_study_in_any_state_gives_a_page(tmp_path: Path, states: list[str]) -> None:
    study = Synthetic(tmp_path)
    study.search([7.0 if state in ("complete", "pruned") else None for state in states], states)
    text = _check(page([study.records()]))
    assert "Study digits" in text
    assert "Provenance" in text
    assert "nan" not in text.lower().split()


def test_a_confirmation_of_which_everything_broke_gives_a_page(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0])
    study.confirm("setting 0", {}, {1: None}, number=0, rank=1, states={1: "diverged"})
    study.confirm("ce", {}, {1: None}, states={1: "failed"})
    text = _check(page([study.records()]))
    assert "Every confirmation trial of setting 0 diverged or failed." in text


def test_folders_that_cannot_be_reported(tmp_path: Path) -> None:
    with pytest.raises(StudyFolderError, match="not a study folder"):
        build_report([tmp_path])
    with pytest.raises(UsageError):
        build_report([])
