"""Keys: SHA-256 of the canonical form of what can change a result, and of nothing else.

Paths, devices (but for a teacher's), worker counts and inactive fields are in no key, and what is inherited counts
as if it were written out. A default that hangs on the images, such as their normalisation, counts as left open. Raise
NUMERICS whenever the same fields begin to give other numbers.
"""

import hashlib
import json

from aikd_tune.spec.activity import (
    active_fields,
    needs_teacher,
    previous_temperature,
    student_train,
    teacher_temperature,
    teacher_train,
)
from aikd_tune.spec.defaults import fill
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.leaves import Scalar

NUMERICS = 1


def setting_key(setting: Setting, fingerprint: str) -> str:
    """64 hexadecimal digits that name a setting over the data set of ``fingerprint``."""
    return _digest("setting", canonical(setting), fingerprint=fingerprint)


def trial_key(setting: Setting, seed: int, fingerprint: str, train_on: str = "train") -> str:
    """64 hexadecimal digits that name a setting with one seed; ``train_on``: train or train+val."""
    return _digest("trial", canonical(setting), fingerprint=fingerprint, seed=seed, train_on=train_on)


def teacher_key(setting: Setting, seed: int, fingerprint: str, train_on: str, threads: int, device_kind: str) -> str:
    """64 hexadecimal digits that name the teacher of a setting: all that phase 1 depends on, threads and device too."""
    return _digest(
        "teacher",
        teacher_form(setting),
        fingerprint=fingerprint,
        seed=seed,
        train_on=train_on,
        threads=threads,
        device_kind=device_kind,
    )


def views_key(setting: Setting, seed: int, fingerprint: str, train_on: str) -> str:
    """64 hexadecimal digits that name the training views of a seed: images, split and recipe."""
    form = {path: value for path, value in _shared(fill(setting)).items() if path.startswith("data.")}
    return _digest("views", form, fingerprint=fingerprint, seed=seed, train_on=train_on)


def canonical(setting: Setting) -> dict[str, Scalar]:
    """What can change the result of ``setting``, resolved: dotted path -> value in force."""
    setting = fill(setting)
    form = _shared(setting)
    form |= {
        path: value
        for path, value in active_fields(setting).items()
        if path.startswith("distill.") and path != "distill.temperature"
    }
    form |= {f"train.{name}": value for name, value in student_train(setting)}
    if needs_teacher(setting):
        form |= _phase_one(setting)
    if "distill.teacher.temperature" in form:
        form["distill.teacher.temperature"] = teacher_temperature(setting)
    if "distill.previous.temperature" in form:
        form["distill.previous.temperature"] = previous_temperature(setting)
    return form


def teacher_form(setting: Setting) -> dict[str, Scalar]:
    """What phase 1 of ``setting`` depends on, resolved: dotted path -> value in force."""
    return _shared(fill(setting)) | _phase_one(setting)


def _shared(setting: Setting) -> dict[str, Scalar]:
    """Data (without path and fingerprint, which is in every key by itself) and network: what both phases see."""
    return {
        path: value
        for path, value in active_fields(setting).items()
        if path.startswith(("data.", "model.")) and path not in ("data.path", "data.fingerprint")
    }


def _phase_one(setting: Setting) -> dict[str, Scalar]:
    """How the teacher is made; a file stands for itself by its contents."""
    if setting.teacher.file is not None:
        assert setting.teacher.sha256 is not None, "a file is known by its contents: see identity.identified"
        return {"teacher.sha256": setting.teacher.sha256}
    train = {f"teacher.{name}": value for name, value in teacher_train(setting)}
    return train | {"teacher.checkpoint": setting.teacher.checkpoint}


def _digest(kind: str, form: dict[str, Scalar], **identity: str | int) -> str:
    # Adding 0 turns -0.0, which prints apart but computes alike, into 0.0.
    fields = {path: value + 0 if isinstance(value, float) else value for path, value in form.items()}
    record = {"kind": kind, "numerics": NUMERICS, "fields": fields, **identity}
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
