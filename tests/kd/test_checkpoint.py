import io
import pickle
from pathlib import Path

import pytest
import torch

from aikd_tune.errors import UserError
from aikd_tune.kd.checkpoint import CheckpointError, pack, read_checkpoint, unpack, write_checkpoint
from aikd_tune.kd.sealed import seal, unseal

KEY, OTHER = "a" * 64, "b" * 64


def test_round_trip() -> None:
    state = read_checkpoint(KEY, write_checkpoint(KEY, {"rows": [{"loss": 0.5, "none": None}], "w": torch.ones(3)}))
    assert state["rows"] == [{"loss": 0.5, "none": None}]
    assert torch.equal(state["w"], torch.ones(3))


def test_every_truncation_and_flipped_bit_is_noticed() -> None:
    data = seal(b"payload")
    assert unseal(data) == b"payload"
    assert unseal(None) is None
    assert all(unseal(data[:length]) is None for length in range(len(data)))
    flipped = [bytes([*data[:i], data[i] ^ 1, *data[i + 1 :]]) for i in range(len(data))]
    assert all(unseal(bad) is None for bad in flipped)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "truncated or not a checkpoint"),
        (write_checkpoint(KEY, {})[:-1], "truncated or not a checkpoint"),
        (seal(b"not a zip archive"), "truncated or not a checkpoint"),
        (pack({"format": 0, "trial_key": KEY}), "format 2 expected, found 0"),
        (write_checkpoint(OTHER, {}), "belongs to trial bbbbbbbbbbbb"),
    ],
)
def test_bad_checkpoints_are_one_line(data: bytes, words: str) -> None:
    with pytest.raises(CheckpointError, match=words) as caught:
        read_checkpoint(KEY, data)
    assert isinstance(caught.value, UserError)
    assert "\n" not in str(caught.value)


class _Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (Path.touch, (self.path,))


def test_nothing_in_a_checkpoint_can_run(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    buffer = io.BytesIO()
    torch.save({"format": 1, "trial_key": KEY, "x": _Touch(trace)}, buffer)
    assert unpack(seal(buffer.getvalue())) is None
    assert unpack(seal(pickle.dumps(_Touch(trace), protocol=2))) is None
    assert not trace.exists()
