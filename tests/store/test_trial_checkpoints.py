"""The newest two checkpoints of a trial, and what becomes of one that is refused."""

from pathlib import Path

import pytest

from aikd_tune.errors import StudyFolderError, UserError
from aikd_tune.store import Blobs, TrialCheckpoints

KEY = "a" * 64


@pytest.fixture
def kept(tmp_path: Path) -> TrialCheckpoints:
    checkpoints = TrialCheckpoints(Blobs(tmp_path), KEY)
    for phase, epoch in [(1, 1), (1, 2), (2, 1), (2, 9), (2, 10)]:
        checkpoints.save(phase, epoch, f"{phase} {epoch}".encode())
    return checkpoints


def test_the_newest_two_are_kept(kept: TrialCheckpoints, tmp_path: Path) -> None:
    assert Blobs(tmp_path).names(KEY) == [f"{KEY}/2-000009.pt", f"{KEY}/2-000010.pt"]
    kept.remove()
    assert Blobs(tmp_path).names(KEY) == []


def test_a_refused_one_is_named_and_the_one_before_it_is_used(kept: TrialCheckpoints, tmp_path: Path) -> None:
    seen: list[bytes] = []

    def restore(data: bytes) -> None:
        seen.append(data)
        if data == b"2 10":
            raise UserError("truncated")

    assert kept.restore(restore) == [f"{tmp_path}/{KEY}/2-000010.pt: not used: truncated"]
    assert seen == [b"2 10", b"2 9"]


def test_where_all_are_refused_each_is_named(kept: TrialCheckpoints) -> None:
    def restore(data: bytes) -> None:
        raise UserError("foreign")

    assert len(kept.restore(restore)) == 2
    assert TrialCheckpoints(kept._blobs, "b" * 64).restore(restore) == []


def test_a_full_disk_leaves_the_trial_running(kept: TrialCheckpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, data: bytes) -> None:
        raise StudyFolderError("no space left on device")

    monkeypatch.setattr(kept._blobs, "put", full)
    kept.save(2, 11, b"lost")
