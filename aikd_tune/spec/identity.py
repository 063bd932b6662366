"""What a study file names by path or by function, identified by its contents: a later change is then noticed."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from aikd_tune.errors import UserError
from aikd_tune.spec.catalogue import is_own_code
from aikd_tune.spec.draft import Draft
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.kinds import SHA256
from aikd_tune.spec.own_code import source_sha256

_NOTHING = "the line left out"
# The field that names something, and the one that holds the SHA-256 of its contents.
_FILE = ("teacher.file", "teacher.sha256")
_FUNCTIONS = (("data.name", "data.source_sha256"), ("model.name", "model.source_sha256"))


def identify(draft: Draft) -> None:
    """Make paths absolute and fill in the digests of files and functions; note those that are not what was recorded."""
    for path in ("data.path", "teacher.file"):
        value = draft.values.get(path)
        if isinstance(value, str):
            draft.values[path] = str(Path(value).expanduser().absolute())
    named, digest = _FILE
    if draft.is_sound(named, digest) and isinstance(draft.values.get(named), str):
        _fill(draft, named, digest, file_sha256)
    for named, digest in _FUNCTIONS:
        if draft.is_sound(named, digest) and named not in draft.domains and is_own_code(str(draft.value(named))):
            _fill(draft, named, digest, source_sha256)


def identified(setting: Setting) -> Setting:
    """``setting`` with the digest of its teacher's file, which a study file that was read has already."""
    teacher = setting.teacher
    if teacher.file is None or teacher.sha256 is not None:
        return setting
    return setting.model_copy(update={"teacher": teacher.model_copy(update={"sha256": file_sha256(teacher.file)})})


def identify_data(draft: Draft, facts: DataFacts) -> None:
    """Fill in the fingerprint of the images; note one that is not what was recorded."""
    path, found = "data.fingerprint", facts.fingerprint
    if not draft.is_sound(path) or not re.fullmatch(SHA256, found):  # a set that is planned without being read
        return
    recorded = draft.values.get(path)
    if recorded not in (None, found):
        draft.problems.add(draft.line(path), path, f"must be that of the images ({found})", str(recorded), _NOTHING)
    draft.values[path] = found


def file_sha256(path: str) -> str:
    """SHA-256 of a file's contents; raises UserError where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"teacher.file: must be a readable file, found {path} ({error.strerror})") from error


def _fill(draft: Draft, named: str, digest: str, contents: Callable[[str], str]) -> None:
    value = str(draft.value(named))
    try:
        found = contents(value)
    except UserError as error:
        draft.problems.say(draft.line(named), named, str(error).removeprefix(f"{named}: "))
        draft.bad.add(named)
        return
    recorded = draft.values.get(digest)
    if recorded not in (None, found):
        rule = f"must be the SHA-256 of {value} ({found})"
        draft.problems.add(draft.line(digest), digest, rule, str(recorded), _NOTHING)
    draft.values[digest] = found
