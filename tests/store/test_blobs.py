"""Named bytes: whole, inside their folder, refused by hostile names."""

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikd_tune.errors import StudyFolderError
from aikd_tune.store import Blobs

HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "a/../../x",
    "a/../b",
    "/etc/passwd",
    "a//b",
    "a/",
    "/a",
    "a\\b",
    "a\0b",
    "a\n",
    "a b",
    "~/x",
    "~",
    ".scratch/x",
    ".hidden",
    "a/.hidden",
    "-rf",
    "C:x",
    "ä",
    "x" * 129,
    "a/b/c/d/e",
    "$HOME",
    "a/*",
]


def test_put_get_names_delete(tmp_path):
    blobs = Blobs(tmp_path / "teachers")
    assert blobs.get("ab/weights.pt") is None
    assert blobs.names() == []
    blobs.put("ab/weights.pt", b"one")
    blobs.put("ab/logits/0001.npy", b"two")
    blobs.put("ac.pt", b"")
    blobs.put("ab/weights.pt", b"three")
    assert blobs.get("ab/weights.pt") == b"three"
    assert blobs.get("ac.pt") == b""
    assert blobs.get("ac.pt/inside") is None
    assert blobs.names() == ["ab/logits/0001.npy", "ab/weights.pt", "ac.pt"]
    assert blobs.names("ab") == ["ab/logits/0001.npy", "ab/weights.pt"]
    assert blobs.names("nothing") == []
    blobs.delete("ac.pt")
    blobs.delete("ac.pt")
    blobs.delete("ab")
    assert blobs.names() == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused(name, tmp_path):
    (tmp_path / "root").mkdir()
    blobs = Blobs(tmp_path / "root")
    for use in (lambda: blobs.put(name, b"x"), lambda: blobs.get(name), lambda: blobs.delete(name)):
        with pytest.raises(StudyFolderError, match="cannot name a file here") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert list(tmp_path.rglob("*")) == [tmp_path / "root"]


@given(st.text(alphabet=st.sampled_from("ab./\\~\0\n-_ "), max_size=12))
def test_no_name_leads_out(name):
    blobs = Blobs("/nonexistent/root")
    try:
        path = blobs.path(name)
    except StudyFolderError:
        return
    assert os.path.normpath(path) == str(path)
    assert str(path).startswith("/nonexistent/root/")


def test_links_that_lead_out_are_refused(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_bytes(b"secret")
    blobs = Blobs(tmp_path / "root")
    blobs.put("inside", b"x")
    (tmp_path / "root" / "link").symlink_to(outside)
    for use in (lambda: blobs.get("link/x"), lambda: blobs.put("link/y", b"x"), lambda: blobs.delete("link/x")):
        with pytest.raises(StudyFolderError, match="leads out of"):
            use()
    assert [path.name for path in outside.iterdir()] == ["x"]


def test_a_root_behind_a_link_is_fine(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    Blobs(tmp_path / "link").put("a", b"x")
    assert Blobs(tmp_path / "real").get("a") == b"x"


def test_old_temporary_files_are_cleared(tmp_path):
    blobs = Blobs(tmp_path)
    blobs.put("a", b"x")
    left = tmp_path / ".scratch" / "a.1-ffffffff"
    left.write_bytes(b"half")
    os.utime(left, (time.time() - 7200,) * 2)
    assert blobs.names() == ["a"]
    blobs.clear_temporary()
    assert list((tmp_path / ".scratch").iterdir()) == []


def test_remote_roots_are_refused():
    with pytest.raises(StudyFolderError, match="local folders"):
        Blobs("s3://bucket/teachers")
