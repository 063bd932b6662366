"""Which settings and baselines are retrained over which fresh seeds. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aikd_tune.spec import Setting, Study, baseline_setting


@dataclass(frozen=True)
class Arm:
    """One setting of a confirmation."""

    name: str
    setting: Setting
    number: int | None = None
    rank: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A completed setting of the search; both values are to be minimised."""

    number: int
    setting: Setting
    value: float
    tie_break: float


def best(candidates: Iterable[Candidate], count: int) -> list[Candidate]:
    """The ``count`` best; ties go to the tie-break, then to the earlier setting."""
    return sorted(candidates, key=lambda c: (c.value, c.tie_break, c.number))[:count]


def arms(study: Study, candidates: Iterable[Candidate]) -> list[Arm]:
    """The arms of a confirmation, best setting first; empty when nothing was completed or none is wanted.

    A baseline has the best setting's own data, network and training: only the distillation is off.
    """
    # Where the method is searched, the baselines stand for themselves.
    ours = [candidate for candidate in candidates if candidate.setting.distill.method not in study.confirm.baselines]
    chosen = best(ours, study.confirm.settings)
    if not chosen:
        return []
    settings = [Arm(f"setting {c.number}", c.setting, c.number, rank) for rank, c in enumerate(chosen, start=1)]
    return settings + [Arm(name, baseline_setting(chosen[0].setting, name)) for name in study.confirm.baselines]


def seeds(study: Study) -> list[int]:
    """Seeds that no search trial has used."""
    return [study.seed + replicate for replicate in range(1, study.confirm.replicates + 1)]


def look(ledger: list[Mapping[str, Any]], names: list[str], keys: list[str], seeds: list[int]) -> int | None:
    """The recorded opening of the test set with exactly this plan, or None when it would be a new one."""
    for entry in reversed(ledger):
        if entry["arms"] == names and entry["setting_keys"] == keys and entry["seeds"] == seeds:
            return int(entry["look"])
    return None
