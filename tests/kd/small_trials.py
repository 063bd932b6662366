"""Small trials for tests: settings on a few of the digits, and a store of bytes that remembers who asked for what."""

from typing import Any

from aikd_tune.kd.trial import TrialRun
from aikd_tune.spec.fields import Setting

TIMES = ("epoch_s", "images_per_s")
NUM_TRAIN, NUM_VAL, NUM_TEST = 129, 60, 70  # a batch of 64 leaves one image over


def setting(
    distill: dict[str, Any] | None = None,
    train: dict[str, Any] | None = None,
    teacher: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> Setting:
    """Three epochs of a narrow network with every term on; the arguments change fields."""
    return Setting.model_validate(
        {
            "data": {"test": NUM_TEST, "val": NUM_VAL, "train": NUM_TRAIN, **(data or {})},
            "model": {"width": 4},
            "train": {"epochs": 3, **(train or {})},
            "teacher": {"epochs": 2, **(teacher or {})},
            "distill": {"adversarial": {"lr": 1e-3, "hidden": "16", "critic_steps": 2}, **(distill or {})},
        }
    )


def without_teacher(**distill: Any) -> Setting:
    """Cross-entropy, and what ``distill`` adds, without anything that needs phase 1."""
    return setting({"teacher": {"weight": 0.0}, "adversarial": {"weight": 0.0}, **distill})


class Store:
    """Named bytes in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.writes: list[str] = []

    def get(self, name: str) -> bytes | None:
        return self.blobs.get(name)

    def put(self, name: str, data: bytes) -> None:
        self.blobs[name] = data
        self.writes.append(name)


def trial(chosen: Setting, store: Store | None = None, seed: int = 0, **options: Any) -> TrialRun:
    store = Store() if store is None else store
    return TrialRun(chosen, seed, get=store.get, put=store.put, **options)


def rows_of(chosen: Setting, store: Store | None = None, seed: int = 0, **options: Any) -> list[dict[str, Any]]:
    """All rows of a trial without their times."""
    return timeless(trial(chosen, store, seed, **options).advance())


def timeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def students(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["phase"] == "student"]
