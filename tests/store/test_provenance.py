"""The record of runs, code and test looks."""

import json
import socket
import subprocess

import pytest

from aikd_tune.errors import StudyFolderError
from aikd_tune.store import Provenance, StudyFolder, software
from aikd_tune.store.provenance import code_state


@pytest.fixture
def provenance(tmp_path):
    return Provenance(StudyFolder.named(tmp_path, "digits"))


def test_runs_are_added_and_ended(provenance, tmp_path):
    provenance.begin_run(["aikd-tune", "run", "digits.yaml"], "cpu")
    provenance.begin_run(["aikd-tune", "run", "digits.yaml", "--trials", "50"], "cpu")
    provenance.end_run("done")
    content = json.loads((tmp_path / "digits" / "provenance.json").read_text())
    killed, done = content["runs"]
    assert content["study"] == "digits"
    assert (killed["outcome"], killed["ended_at"]) == (None, None)
    assert done["outcome"] == "done"
    assert done["started_at"] <= done["ended_at"]
    assert done["command"] == ["aikd-tune", "run", "digits.yaml", "--trials", "50"]
    assert (done["host"], done["device"]) == (socket.gethostname(), "cpu")
    assert {"python", "aikd-tune", "numpy"} <= done["versions"].keys()
    assert {"git_commit", "git_dirty", "platform"} <= done.keys()


def test_every_opening_of_the_test_set_is_kept(provenance):
    assert provenance.test_looks() == []
    assert provenance.open_test(["1st", "ce"], ["k1", "k2"], [7, 8]) == 1
    provenance.begin_run([], "cpu")
    provenance.end_run("stopped")
    assert provenance.open_test(["1st"], ["k3"], [9]) == 2
    first, second = provenance.test_looks()
    assert {name: first[name] for name in ("look", "arms", "setting_keys", "seeds")} == {
        "look": 1,
        "arms": ["1st", "ce"],
        "setting_keys": ["k1", "k2"],
        "seeds": [7, 8],
    }
    assert second["look"] == 2
    assert first["opened_at"].endswith("+00:00")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": 1, "test_looks": []}', '{"runs": [], "test_lo'])
def test_a_damaged_record_is_named_and_never_overwritten(text, provenance, tmp_path):
    path = tmp_path / "digits" / "provenance.json"
    path.parent.mkdir()
    path.write_text(text)
    for use in (
        provenance.test_looks,
        lambda: provenance.open_test([], [], []),
        lambda: provenance.begin_run([], "cpu"),
    ):
        with pytest.raises(StudyFolderError, match=f"^{path}: not a provenance record"):
            use()
    assert path.read_text() == text


def git(folder, *arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_commit_and_changes_of_a_checkout(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("1")
    assert code_state(package) == (None, None)
    git(tmp_path, "init")
    assert code_state(package) == (None, None)  # in a repository, but not tracked by it
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    (tmp_path / "notes.txt").write_text("not code")
    commit, dirty = code_state(package)
    assert len(commit) == 40
    assert dirty is False
    (package / "a.py").write_text("2")
    assert code_state(package) == (commit, True)


def test_software_names_what_numbers_depend_on():
    assert software().startswith("aikd-tune ")
    assert ", numpy " in software()
