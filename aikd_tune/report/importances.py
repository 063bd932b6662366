"""Which searched fields mattered: PED-ANOVA over complete trials, against what chance alone would give."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, create_trial

from aikd_tune.report.frames import StudyRecords, setting_of
from aikd_tune.report.measures import measure, plural
from aikd_tune.report.result_tables import value_text
from aikd_tune.report.selection import ranked
from aikd_tune.spec import ABSENT, Choice, Domain, IntRange, LogUniform, Setting, Space, Uniform

optuna.logging.set_verbosity(optuna.logging.ERROR)  # a line for every study in memory otherwise

MIN_COMPLETE = 10
TARGET_QUANTILE = 0.25
"""PED-ANOVA asks what sets the best quarter apart: a tenth, its default, is a trial or two in a study of 40."""
NUM_SHUFFLES = 100
CHANCE_PERCENTILE = 95


@dataclass(frozen=True)
class Importance:
    """A field's share of all importance (0 to 1), and on the same scale what 95 % of shuffled studies stay below."""

    field: str
    share: float
    chance: float

    @property
    def stands_out(self) -> bool:
        """Whether the field is above what shuffling the results gives."""
        return self.share > self.chance


@dataclass(frozen=True)
class Importances:
    """Fields, most important first; ``reason`` says why there are none. ``num_complete`` trials went in."""

    num_complete: int
    fields: tuple[Importance, ...] = ()
    reason: str = ""


def importances(records: StudyRecords) -> Importances:
    """Importances for the search metric; only complete trials have a final value, so only they count."""
    complete = ranked(records.search, records.study.search)
    n = len(complete)
    if not records.study.space.domains:
        return Importances(n, reason="Nothing was searched, so nothing can matter.")
    if n < MIN_COMPLETE:
        return Importances(n, reason=f"Too few: {plural(n, 'complete trial')}; importances need {MIN_COMPLETE}.")
    metric = measure(records.study.search.metric)
    values = np.array([metric.minimised(float(value)) for value in complete[metric.name]])
    # As PED-ANOVA cuts: with the best quarter equal to all there is nothing to tell apart.
    if (values <= np.sort(values)[int(np.ceil(TARGET_QUANTILE * n)) - 1]).all():
        return Importances(n, reason="No trial is better than another by the search metric.")
    questions = [_question(records.study.space, setting_of(config)) for config in complete["config"]]
    observed = _evaluate(questions, values)
    total = sum(observed.values())
    if total == 0:
        return Importances(n, reason="The best quarter is spread over every field like the rest.")
    generator = np.random.default_rng(0)
    shuffled = [_evaluate(questions, generator.permutation(values)) for _ in range(NUM_SHUFFLES)]
    fields = [
        Importance(
            field,
            found / total,
            float(np.percentile([one[field] for one in shuffled], CHANCE_PERCENTILE)) / total,
        )
        for field, found in observed.items()
    ]
    return Importances(n, tuple(sorted(fields, key=lambda one: (-one.share, one.field))))


def _question(space: Space, setting: Setting) -> tuple[dict[str, object], dict[str, BaseDistribution]]:
    """Optuna's parameters of a setting; ``or:`` becomes a switch of its own, as a log range cannot hold it."""
    parameters: dict[str, object] = {}
    distributions: dict[str, BaseDistribution] = {}
    for path, value in space.values(setting).items():
        domain = space.domains[path]
        if domain.or_ is not ABSENT:
            switch = f"{path}: {value_text(domain.or_)} or not"
            parameters[switch], distributions[switch] = domain.is_or(value), CategoricalDistribution((False, True))
        if not domain.is_or(value):
            parameters[path], distributions[path] = value, _distribution(domain)
    return parameters, distributions


def _distribution(domain: Domain) -> BaseDistribution:
    match domain:
        case Uniform():
            return FloatDistribution(domain.low, domain.high)
        case LogUniform():
            return FloatDistribution(domain.low, domain.high, log=True)
        case IntRange():
            return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
        case Choice():
            return CategoricalDistribution(domain.options)


def _evaluate(
    questions: Sequence[tuple[Mapping[str, object], Mapping[str, BaseDistribution]]], values: np.ndarray
) -> dict[str, float]:
    """Importance of every parameter, not normalised: shuffled studies must not be scaled to the same sum."""
    # Loads scikit-learn, for evaluators that are not used here: 1.5 s that a small study need not wait for.
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    study = optuna.create_study(direction="minimize")
    trials: list[FrozenTrial] = [
        create_trial(params=dict(parameters), distributions=dict(distributions), value=float(value))
        for (parameters, distributions), value in zip(questions, values, strict=True)
    ]
    study.add_trials(trials)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=TARGET_QUANTILE)
    with warnings.catch_warnings():
        # ``normalize`` is marked experimental. A switch taken once makes a region of one trial: the mark of chance says
        # what that is worth.
        warnings.simplefilter("ignore", category=UserWarning)
        warnings.simplefilter("ignore", category=ExperimentalWarning)
        found = get_param_importances(study, evaluator=evaluator, normalize=False)
    return {name: float(value) for name, value in found.items()}
