"""Study folders with made-up numbers, written through the store's own writer."""

import math
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from synthetic_rows import bin_rows, epoch_rows, metrics

from aikd_tune.report.frames import StudyRecords
from aikd_tune.spec import (
    Choice,
    Domain,
    IntRange,
    LogUniform,
    Scalar,
    Setting,
    Study,
    dump_study,
    needs_teacher,
    parse_study,
    setting_key,
    trial_key,
)
from aikd_tune.store.columns import setting_columns
from aikd_tune.store.folder import StudyFolder
from aikd_tune.store.provenance import Provenance
from aikd_tune.store.schema import to_arrow
from aikd_tune.store.writer import TableWriter

STUDY = """
study: digits
data: {name: digits, test: 900, val: 500, train: 300}
train: {epochs: 30}
distill:
  temperature: {loguniform: [1, 10]}
  teacher: {weight: {loguniform: [0.01, 10], or: 0}}
  previous: {weight: {loguniform: [0.01, 3], or: 0}}
  adversarial: {weight: {loguniform: [0.001, 0.3], or: 0}, hidden: {choice: ["32", "128", "256-64"]}, critic_steps: 5}
search: {trials: 12, early_stopping: {min_epochs: 10, reduction: 3}}
confirm: {settings: 3, replicates: 10}
"""
START = datetime(2026, 1, 2, 3, 4, 5)


@cache
def _parsed(text: str) -> tuple[Study, str]:
    """A study and its file as resolved; both are never changed, so all tests share them."""
    study = parse_study(text, "digits.yaml")
    return study, dump_study(study)


class Synthetic:
    """A study folder in the making; each method adds rows, ``save`` writes them."""

    def __init__(self, root: Path, text: str = STUDY) -> None:
        self.study, self.text = _parsed(text)
        self.folder = StudyFolder.named(root, self.study.name)
        self.rng = np.random.default_rng(0)
        self.trials: list[dict[str, Any]] = []
        self.teachers: dict[str, dict[str, Any]] = {}
        self.epochs: list[dict[str, Any]] = []
        self.bins: list[dict[str, Any]] = []

    def setting(self, number: int) -> Setting:
        """A setting of the space, random but for the first, which is the base."""
        return self.study.base if number == 0 else self.study.space.ask(self.study.base, self._suggest)

    def search(
        self, errors: list[float | None], states: list[str] | None = None, setting: Setting | None = None
    ) -> None:
        """A search trial per validation error (None: it diverged or failed)."""
        for place, error in enumerate(errors):
            number = sum(row["kind"] == "search" for row in self.trials)
            state = states[place] if states else "complete"
            self._trial(setting or self.setting(number), 0, kind="search", state=state, number=number, val=error)

    def confirm(
        self,
        arm: str,
        val: dict[int, float | None],
        test: dict[int, float | None],
        *,
        number: int | None = None,
        rank: int | None = None,
        look: int = 1,
        states: dict[int, str] | None = None,
        setting: Setting | None = None,
    ) -> None:
        """An arm of the confirmation: errors by seed."""
        if setting is None:
            setting = self.setting_of(number) if number is not None else self.baseline(arm)
        for seed in test:
            state = (states or {}).get(seed, "complete")
            self._trial(
                setting,
                seed,
                kind="confirmation",
                state=state,
                number=number,
                val=val.get(seed),
                test=test[seed],
                arm=arm,
                confirm_rank=rank,
                test_look=look,
            )

    def setting_of(self, number: int) -> Setting:
        """The setting that the search gave a number."""
        config = next(row["config"] for row in self.trials if row["kind"] == "search" and row["setting"] == number)
        return Setting.model_validate_json(config)

    def baseline(self, method: str) -> Setting:
        """The base with its distillation off."""
        distill = self.study.base.distill.model_copy(update={"method": method})
        return self.study.base.model_copy(update={"distill": distill})

    def save(self, looks: int | None = None) -> Path:
        """Write everything; ``looks`` openings of the test set (default: as the trials say)."""
        self.folder.path.mkdir(parents=True, exist_ok=True)
        self.folder.study_file.write_text(self.text, encoding="utf-8")
        writer = TableWriter(self.folder)
        writer.put_trials(self.trials)
        writer.put_teachers(self.teachers.values())
        writer.append("epochs", self.epochs)
        writer.append("bins", self.bins)
        writer.flush()
        provenance = Provenance(self.folder)
        provenance.begin_run(("/usr/bin/aikd-tune", "run", "my digits.yaml"), "cpu")
        for look in self._looks(looks):
            provenance.open_test(look["arms"], look["setting_keys"], look["seeds"])
        provenance.end_run("finished")
        return self.folder.path

    def records(self, looks: int | None = None) -> StudyRecords:
        """What ``read_study`` gives for the saved folder, without writing it."""
        rows = {
            "trials": self.trials,
            "teachers": list(self.teachers.values()),
            "epochs": self.epochs,
            "bins": self.bins,
        }
        provenance = {"study": self.study.name, "runs": [], "test_looks": self._looks(looks)}
        return StudyRecords(
            self.folder.path, self.study, self.text, provenance, lambda table: to_arrow(table, rows[table]).to_pandas()
        )

    def _looks(self, count: int | None) -> list[dict[str, Any]]:
        confirmed = [row for row in self.trials if row["kind"] == "confirmation"]
        if count is None:
            count = max((row["test_look"] for row in confirmed), default=0)
        arms, keys, seeds = (sorted({row[name] for row in confirmed}) for name in ("arm", "setting_key", "seed"))
        opened = "2026-01-02T03:04:05+00:00"
        return [
            {"look": look, "opened_at": opened, "arms": arms, "setting_keys": keys, "seeds": seeds}
            for look in range(1, count + 1)
        ]

    def _suggest(self, path: str, domain: Domain) -> Scalar:
        if domain.has_or and self.rng.random() < 0.25:
            assert isinstance(domain.or_, bool | int | float | str)
            return domain.or_
        if isinstance(domain, Choice):
            return domain.options[int(self.rng.integers(len(domain.options)))]
        if isinstance(domain, IntRange):
            return int(self.rng.integers(domain.low, domain.high + 1))
        if isinstance(domain, LogUniform):
            return float(math.exp(self.rng.uniform(math.log(domain.low), math.log(domain.high))))
        return float(self.rng.uniform(domain.low, domain.high))

    def _trial(
        self,
        setting: Setting,
        seed: int,
        *,
        kind: str,
        state: str,
        number: int | None,
        val: float | None,
        test: float | None = None,
        arm: str | None = None,
        confirm_rank: int | None = None,
        test_look: int | None = None,
    ) -> None:
        trial = len(self.trials)
        key = trial_key(setting, seed, "fingerprint", "train")
        teacher = f"teacher-{seed}" if needs_teacher(setting) else None
        epochs = {"complete": 30, "pruned": 10, "running": 4}.get(state, 2)
        ended = state != "running"
        start = START + timedelta(seconds=10 * trial)
        adversarial = setting.distill.method == "aikd" and setting.distill.adversarial.weight > 0
        row: dict[str, Any] = {
            "study": self.study.name,
            "kind": kind,
            "setting": number,
            "trial": trial,
            "trial_key": key,
            "setting_key": setting_key(setting, "fingerprint"),
            "arm": arm,
            "confirm_rank": confirm_rank,
            "seed": seed,
            "state": state,
            **setting_columns(setting),
            "config": setting.model_dump_json(),
            "teacher_key": teacher,
            "started_at": start,
            "test_look": test_look,
            "error_message": "RuntimeError: out of memory" if state == "failed" else None,
        }
        if ended:
            row |= {
                "epochs_run": epochs,
                "critic_untrained": False if adversarial else None,
                "num_parameters": 24_000,
                "train_s": 0.05 * epochs + 0.5,
                "wait_s": 0.1,
                "finished_at": start + timedelta(seconds=8),
                **({} if val is None else metrics("val", val)),
                **({} if test is None or state != "complete" else metrics("test", test)),
            }
        self.trials.append(row)
        self.epochs += epoch_rows(self.study.name, key, trial, seed, epochs, val)
        if state == "complete" and val is not None:
            self.bins += bin_rows(key, "val", val)
            if test is not None:
                self.bins += bin_rows(key, "test", test)
        if teacher is not None:
            self._add_teacher(teacher, seed, test_open=test is not None)

    def _add_teacher(self, key: str, seed: int, test_open: bool) -> None:
        if key in self.teachers:
            return
        self.teachers[key] = {
            "study": self.study.name,
            "teacher_key": key,
            "seed": seed,
            **metrics("val", 7.0),
            **(metrics("test", 7.5) if test_open else {}),
            "train_s": 0.6,
            "host": "host",
        }
        self.epochs += epoch_rows(self.study.name, key, None, seed, 30, 7.0)
        self.bins += bin_rows(key, "val", 7.0)
        if test_open:
            self.bins += bin_rows(key, "test", 7.5)


def by_seed(values: list[float]) -> dict[int, float | None]:
    """Values under the seeds 1, 2, ..."""
    return dict(enumerate(values, start=1))
