"""A teacher's weights from a file of the user's: a state dict, read without running anything in it."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from aikd_tune.errors import UserError

# Where public training code keeps the state dict inside a checkpoint.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network")
_PREFIX = "module."  # of torch.nn.DataParallel
_SHOWN = 3


def read_weights(path: str, sha256: str | None) -> dict[str, Tensor]:
    """The state dict in a file that torch.save wrote; raises UserError unless it is one, and of this digest if given.

    A dictionary around it, under a usual name such as "state_dict", and DataParallel's prefix are taken off.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"teacher.file: {path}: must be a readable file, found: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if sha256 not in (None, found):
        raise UserError(f"teacher.file: {path}: must have SHA-256 {sha256} as when the study began, found {found}")
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # foreign bytes gave IndexError, struct.error, AssertionError, TypeError ...
        raise UserError(
            f"teacher.file: {path}: must be a state dict saved by torch.save (weights only), found another file"
        ) from error
    for name in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if not isinstance(content, Mapping) or not all(isinstance(tensor, Tensor) for tensor in content.values()):
        raise UserError(
            f"teacher.file: {path}: must hold a state dict, names and tensors, found {type(content).__name__}"
        )
    if content and all(str(name).startswith(_PREFIX) for name in content):
        return {str(name).removeprefix(_PREFIX): tensor for name, tensor in content.items()}
    return {str(name): tensor for name, tensor in content.items()}


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], path: str) -> None:
    """Put ``weights`` into ``network``; raises UserError that names what is missing, unknown or of another shape."""
    own = network.state_dict()
    problems = {
        "lacks": [name for name in own if name not in weights],
        "has the unknown": [name for name in weights if name not in own],
        "has another shape of": [name for name in own if name in weights and own[name].shape != weights[name].shape],
        "has no finite numbers in": [name for name in own if name in weights and not _fits(weights[name], own[name])],
    }
    for what, names in problems.items():
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            raise UserError(
                f"teacher.file: {path}: must be the state dict of model.name with the study's classes, "
                f"found that it {what} {', '.join(names[:_SHOWN])}{more}"
            )
    network.load_state_dict(dict(weights))


def _fits(tensor: Tensor, own: Tensor) -> bool:
    """Whether ``tensor`` holds finite numbers of the kind of ``own``, one by one."""
    if tensor.layout != torch.strided or tensor.device.type == "meta":
        return False
    same_kind = not tensor.is_complex() and tensor.dtype.is_floating_point == own.dtype.is_floating_point
    return same_kind and bool(torch.isfinite(tensor).all())
