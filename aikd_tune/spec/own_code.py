"""Functions of the user's own, named ``package.module:function``: where their source is, and its SHA-256."""

import hashlib
import importlib.util
from pathlib import Path

from aikd_tune.errors import UserError


def source_file(name: str) -> Path:
    """The source file of the module in ``name``; raises UserError where Python finds none."""
    module = name.partition(":")[0]
    try:
        spec = importlib.util.find_spec(module)
    except Exception as error:  # a parent package is imported on the way, and may raise anything
        raise UserError(f"{name}: module {module} must be importable, found {type(error).__name__}: {error}") from error
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise UserError(
            f"{name}: module {module} must be a Python file in this folder, on PYTHONPATH or installed, found none"
        )
    return Path(spec.origin)


def require_source(name: str, sha256: str | None) -> None:
    """Raise UserError unless the source that this machine has is the one that the study recorded, if it did."""
    found = source_sha256(name)
    if sha256 not in (None, found):
        raise UserError(
            f"{name}: {source_file(name)} must have SHA-256 {sha256} as when the study began, found {found}"
        )


def source_sha256(name: str) -> str:
    """SHA-256 of the source file of ``package.module:function``; files that it imports do not count."""
    return hashlib.sha256(source_file(name).read_bytes()).hexdigest()
