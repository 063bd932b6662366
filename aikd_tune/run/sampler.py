"""The Optuna study behind a search: asked by setting number, told with right states, rebuilt from the tables.

Ray's own bridge tells early-stopped trials as complete and leaves diverged ones running for ever; here stopped early is
PRUNED with its intermediate values, diverged is PRUNED with a violated constraint (told FAIL, TPE would not see the
cliff), crashed is FAIL. The sampler is made anew for every question from (seed, number), so that a rebuilt study with
one worker asks what an undisturbed one would have asked.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from aikd_tune.spec import ABSENT, Choice, Domain, IntRange, LogUniform, Scalar, Setting, Study, Uniform, setting_key

optuna.logging.set_verbosity(optuna.logging.ERROR)

State = Literal["running", "complete", "pruned", "diverged", "failed"]
FINITE = "finite"
OWN_ATTEMPTS = 10
"""Questions to the study's sampler before a number is drawn at random: TPE can insist on a setting that was run."""
MAX_ATTEMPTS = 100
MOST_LISTED = 100_000
"""Settings of a finite space that are listed one by one."""


@dataclass(frozen=True)
class Evaluation:
    """What the sampler is told of one setting; ``value`` and ``steps`` are minimised."""

    number: int
    setting: Setting
    state: State
    value: float | None = None
    steps: Mapping[int, float] = field(default_factory=dict)


class SpaceExhausted(Exception):  # noqa: N818 - an end of the search, not an error
    """Every setting of a finite space has been tried."""


def distribution(domain: Domain) -> BaseDistribution:
    """The Optuna distribution of a domain, its ``or`` value aside."""
    match domain:
        case Uniform():
            return FloatDistribution(domain.low, domain.high)
        case LogUniform():
            return FloatDistribution(domain.low, domain.high, log=True)
        case IntRange():
            return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
        case Choice():
            return CategoricalDistribution(domain.options)


def switch(path: str) -> str:
    """The Optuna parameter that says whether ``path`` takes the value of its ``or`` instead of its domain."""
    return f"{path}.or"


def _parameters(study: Study, setting: Setting) -> tuple[dict[str, Scalar], dict[str, BaseDistribution]]:
    """Optuna's parameters of a setting: one per active searched field, and one per switch."""
    parameters: dict[str, Scalar] = {}
    distributions: dict[str, BaseDistribution] = {}
    for path, value in study.space.values(setting).items():
        domain = study.space.domains[path]
        if domain.has_or:
            off = domain.is_or(value)
            parameters[switch(path)] = off
            distributions[switch(path)] = CategoricalDistribution((False, True))
            if off:
                continue
        parameters[path] = value
        distributions[path] = distribution(domain)
    return parameters, distributions


class SettingSampler:
    """Asks and tells the settings of one study, by number."""

    def __init__(self, study: Study, fingerprint: str, first: list[Setting]) -> None:
        self._study, self._fingerprint, self._first = study, fingerprint, first
        self._evaluations: dict[int, Evaluation] = {}
        self._trials: dict[int, optuna.Trial] = {}
        self._numbers: dict[str, int] = {}
        self._optuna = self._fresh()

    def rebuild(self, evaluations: Iterable[Evaluation]) -> None:
        """Replace the history; running settings included."""
        self._evaluations = {e.number: e for e in sorted(evaluations, key=lambda e: e.number)}
        self._numbers = {self._key(e.setting): e.number for e in self._evaluations.values()}
        self._trials = {}
        self._optuna = self._fresh()
        # In number order even where a number is missing (a lost row): Optuna numbers by arrival.
        for evaluation in self._evaluations.values():
            self._optuna.add_trial(frozen(self._study, evaluation))
            if evaluation.state == "running":
                self._trials[evaluation.number] = optuna.Trial(self._optuna, len(self._optuna.trials) - 1)

    def ask(self, number: int) -> Setting:
        """The setting of a new number, different from all before it.

        Raises:
            SpaceExhausted: the space is finite and every setting has been tried (or none else was found by chance).
        """
        if number < len(self._first):
            return self._begin(number, self._first[number])
        size = self._study.space.size
        if size is not None and size <= MOST_LISTED and all(self._key(s) in self._numbers for s in self._all()):
            raise SpaceExhausted
        for attempt in range(0 if self._study.search.sampler == "grid" else MAX_ATTEMPTS):
            self._optuna.sampler = self._sampler(number, attempt)
            trial = self._optuna.ask()
            setting = self._study.space.ask(self._study.base, _suggest(trial))
            if self._key(setting) not in self._numbers:
                self._record(number, setting, trial)
                return setting
            # A setting suggested twice is run once. The samplers do not see failed trials, so that a rebuilt study,
            # which lacks this one, asks the same.
            self._optuna.tell(trial, state=TrialState.FAIL)
        untried = None if size is None else next((s for s in self._all() if self._key(s) not in self._numbers), None)
        if untried is None:
            raise SpaceExhausted
        return self._begin(number, untried)

    def tell(self, evaluation: Evaluation) -> None:
        """End a setting that was asked for (or rebuilt as running)."""
        trial = self._trials.pop(evaluation.number)
        self._evaluations[evaluation.number] = evaluation
        for step, value in sorted(evaluation.steps.items()):
            trial.report(value, step)
        if evaluation.state == "complete":
            self._optuna.tell(trial, evaluation.value)
        elif evaluation.state == "failed":
            self._optuna.tell(trial, state=TrialState.FAIL)
        else:
            if evaluation.state == "diverged":
                trial.set_constraint(FINITE, 1.0)
            self._optuna.tell(trial, state=TrialState.PRUNED)

    def _begin(self, number: int, setting: Setting) -> Setting:
        """Start a setting that was chosen without the sampler."""
        self._optuna.add_trial(frozen(self._study, Evaluation(number, setting, "running")))
        self._record(number, setting, optuna.Trial(self._optuna, len(self._optuna.trials) - 1))
        return setting

    def _record(self, number: int, setting: Setting, trial: optuna.Trial) -> None:
        self._trials[number] = trial
        self._evaluations[number] = Evaluation(number, setting, "running")
        self._numbers[self._key(setting)] = number

    def _all(self) -> Iterable[Setting]:
        return self._study.space.settings(self._study.base)

    def _key(self, setting: Setting) -> str:
        return setting_key(setting, self._fingerprint)

    def _fresh(self) -> optuna.Study:
        return optuna.create_study(direction="minimize", sampler=self._sampler(0, 0))

    def _sampler(self, number: int, attempt: int) -> optuna.samplers.BaseSampler:
        digest = hashlib.sha256(f"sampler/{self._study.seed}/{number}/{attempt}".encode()).digest()
        seed = int.from_bytes(digest[:4], "big")
        if self._study.search.sampler == "random" or attempt >= OWN_ATTEMPTS:
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed)


def frozen(study: Study, evaluation: Evaluation) -> FrozenTrial:
    """An evaluation as Optuna stores it."""
    parameters, distributions = _parameters(study, evaluation.setting)
    states = {"running": TrialState.RUNNING, "complete": TrialState.COMPLETE, "failed": TrialState.FAIL}
    return create_trial(
        state=states.get(evaluation.state, TrialState.PRUNED),
        value=evaluation.value if evaluation.state == "complete" else None,
        params=parameters,
        distributions=distributions,
        intermediate_values={step: value for step, value in evaluation.steps.items() if math.isfinite(value)},
        constraints={FINITE: 1.0} if evaluation.state == "diverged" else None,
    )


def _suggest(trial: optuna.Trial) -> Callable[[str, Domain], Scalar]:
    def suggest(path: str, domain: Domain) -> Scalar:
        if domain.or_ is not ABSENT and trial.suggest_categorical(switch(path), (False, True)):
            return domain.or_
        match domain:
            case Uniform():
                return trial.suggest_float(path, domain.low, domain.high)
            case LogUniform():
                return trial.suggest_float(path, domain.low, domain.high, log=True)
            case IntRange():
                return trial.suggest_int(path, domain.low, domain.high, log=domain.log, step=domain.step)
            case Choice():
                return trial.suggest_categorical(path, domain.options)

    return suggest
