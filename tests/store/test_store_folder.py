"""Where things are, and which addresses and names are refused."""

from pathlib import Path

import pytest

from aikd_tune.errors import StudyFolderError
from aikd_tune.store import StudyFolder
from aikd_tune.store.folder import local_path


@pytest.mark.parametrize("address", ["s3://bucket/results", "gs://b", "https://host/x", "hdfs://a", "file://host/x"])
@pytest.mark.parametrize("kind", [str, Path])
def test_remote_addresses_are_refused_in_one_line(address, kind):
    with pytest.raises(StudyFolderError, match=r"results are written to local folders in this version") as caught:
        StudyFolder.named(kind(address), "digits")
    assert "\n" not in str(caught.value)


def test_local_addresses():
    assert local_path("results") == Path("results")
    assert local_path("file:///data/my%20results") == Path("/data/my results")
    assert local_path(Path("/a/b:c/d")) == Path("/a/b:c/d")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/x", "_teachers", ".x", "-x", "a b", "a\n", "ä", "a" * 65, "a\\b"]
)
def test_names_that_leave_the_root_or_take_the_teachers_place_are_refused(name, tmp_path):
    with pytest.raises(StudyFolderError, match="study name"):
        StudyFolder.named(tmp_path, name)


def test_paths_of_a_study(tmp_path):
    folder = StudyFolder.named(tmp_path, "digits")
    assert folder.path == tmp_path / "digits"
    assert (folder.name, folder.results, folder.teachers) == ("digits", tmp_path, tmp_path / "_teachers")
    assert folder.table("epochs") == tmp_path / "digits" / "epochs"
    inside = [
        folder.study_file,
        folder.provenance_file,
        folder.checkpoints,
        folder.journal,
        folder.report,
        folder.scratch,
    ]
    assert all(path.parent == folder.path for path in inside)
    assert not folder.path.exists()


def test_a_folder_is_a_study_once_it_has_been_created(tmp_path):
    with pytest.raises(StudyFolderError, match=r"digits: not a study folder"):
        StudyFolder.existing(tmp_path / "digits")
    StudyFolder.named(tmp_path, "digits").create("study: digits\n")
    assert StudyFolder.existing(str(tmp_path / "digits")).study_file.read_text() == "study: digits\n"


def test_name_of_the_folder_one_stands_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert StudyFolder(".").name == tmp_path.name


def test_checkpoints_of_one_trial_are_removed(tmp_path):
    folder = StudyFolder(tmp_path)
    for key in ("ab", "abc"):
        (folder.checkpoints / key).mkdir(parents=True)
        (folder.checkpoints / key / "1.pt").write_bytes(b"x")
    folder.remove_checkpoints("ab")
    folder.remove_checkpoints("ab")
    assert [path.name for path in folder.checkpoints.iterdir()] == ["abc"]
    with pytest.raises(AssertionError):
        folder.remove_checkpoints("..")
