"""A trial's progress as bytes: nothing in them can run code, and damage is noticed before anything is read."""

import io
import pickle
from collections.abc import Mapping
from typing import Any

import torch

from aikd_tune.errors import UserError
from aikd_tune.kd.sealed import seal, unseal

FORMAT = 2


class CheckpointError(UserError):
    """A checkpoint that is truncated, foreign, of another trial or of another version."""


def pack(state: Mapping[str, Any]) -> bytes:
    """Tensors and plain values as sealed bytes."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return seal(buffer.getvalue())


def unpack(data: bytes | None) -> dict[str, Any] | None:
    """What ``pack`` was given, on the CPU, or None if the bytes are not whole."""
    payload = unseal(data)
    if payload is None:
        return None
    try:
        state = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        return None
    return state if isinstance(state, dict) else None


def write_checkpoint(trial_key: str, state: Mapping[str, Any]) -> bytes:
    """A checkpoint of the trial with this key."""
    return pack({"format": FORMAT, "trial_key": trial_key, **state})


def read_checkpoint(trial_key: str, data: bytes) -> dict[str, Any]:
    """The state in a checkpoint; raises CheckpointError unless it is whole and of this trial and version."""
    state = unpack(data)
    if state is None:
        raise CheckpointError(
            f"checkpoint of trial {trial_key[:12]}: truncated or not a checkpoint; delete it to restart"
        )
    if state.get("format") != FORMAT:
        raise CheckpointError(
            f"checkpoint of trial {trial_key[:12]}: format {FORMAT} expected, found {state.get('format')}; "
            "delete it to restart"
        )
    if state.get("trial_key") != trial_key:
        raise CheckpointError(
            f"checkpoint of trial {trial_key[:12]}: belongs to trial {str(state.get('trial_key'))[:12]}; "
            "delete it to restart"
        )
    return state
