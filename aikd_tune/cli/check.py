"""``aikd-tune check``: every error at once, else what the study would run and cost."""

from pathlib import Path

from aikd_tune.errors import DataError, StudyFileError, UserError
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.published import published_facts
from aikd_tune.spec import (
    Choice,
    Domain,
    IntRange,
    LogUniform,
    Study,
    Uniform,
    advice,
    first_settings,
    load_study,
)
from aikd_tune.spec.facts import DataFacts, input_shape
from aikd_tune.spec.fields import Data, Setting
from aikd_tune.spec.teachers import may_need_teacher, teacher_fields


def check_command(path: Path) -> int:
    """Print the plan, then the advice; errors are raised before anything is printed."""
    absent: list[str] = []

    def describe_or_plan(data: Data) -> DataFacts:
        """A public set that is not here, such as on a cluster's login node, is planned by its published sizes."""
        try:
            return describe(data)
        except DataError as error:
            facts = published_facts(data)
            if facts is None:
                raise
            absent[:] = [str(error)]
            return facts

    from aikd_tune.kd.preflight import check_networks, own_errors

    study = load_study(path, describe_or_plan)
    facts = describe_or_plan(study.base.data)
    try:
        check_networks(study, facts)
        with own_errors(study.base):
            lines = [*_plan(study, facts), *_cost(study, facts)]
    except UserError as error:
        raise StudyFileError([f"{path}: {error}"]) from error
    for label, text in lines:
        print(f"{label:<15}{text}")
    for reason in absent:
        print(f"warning: planned by the published sizes of the set, because a run would end here with: {reason}")
    for line in advice(study):
        print(f"warning: {line}")
    return 0


def _plan(study: Study, facts: DataFacts) -> list[tuple[str, str]]:
    search, confirm = study.search, study.confirm
    epochs = study.base.train.epochs
    stopping = search.early_stopping
    rungs = (
        "no early stopping"
        if stopping.name == "none"
        else (f"{stopping.name} from epoch {stopping.min_epochs}, the best 1/{stopping.reduction} go on")
    )
    distinct = study.space.count(study.base)
    settings = search.trials if distinct is None else min(search.trials, distinct)
    lines = [
        ("study", study.name),
        ("images", _images(study, facts)),
        ("search", f"{settings} settings of at most {epochs} epochs by {search.metric}; {search.sampler}, {rungs}"),
        ("first settings", f"{len(first_settings(study))}: the defaults and the special cases that the space holds"),
    ]
    lines += [
        ("searched" if not index else "", f"{path}  {_words(domain)}")
        for index, (path, domain) in enumerate(study.space.domains.items())
    ]
    if confirm.settings:
        num_arms = confirm.settings + len(confirm.baselines)
        arms = ", ".join([f"{confirm.settings} best settings", *confirm.baselines])
        lines.append(
            (
                "confirmation",
                f"{num_arms} arms ({arms}) x {confirm.replicates} fresh seeds = "
                f"{num_arms * confirm.replicates} trials; opens the test set",
            )
        )
    return lines


def _images(study: Study, facts: DataFacts) -> str:
    num_train, num_val = _counts(study)
    data = study.base.data
    num_test = data.test if facts.num_test is None else facts.num_test
    shape = "x".join(str(side) for side in facts.image_shape)
    seen = input_shape(data.size, facts)
    if seen != facts.image_shape:
        shape += f" seen as {'x'.join(str(side) for side in seen)}"
    return (
        f"{data.name}: {num_train} train, {num_val} validation, {num_test} test; {facts.num_classes} classes, {shape}"
    )


def _counts(study: Study) -> tuple[int, int]:
    """Training and validation images; a loaded study has counts."""
    data = study.base.data
    assert isinstance(data.train, int)
    assert isinstance(data.val, int)
    return data.train, data.val


def _cost(study: Study, facts: DataFacts) -> list[tuple[str, str]]:
    from aikd_tune.kd.cost import measure

    num_train, num_val = _counts(study)
    base = study.base
    cost = measure(base, facts, num_train, num_val, study.resources.per_trial.cpus)
    teachers = _num_teachers(study)
    epochs = base.train.epochs
    confirm = study.confirm
    search_s = study.search.trials * epochs * cost.aikd_epoch_s
    confirm_epochs = confirm.replicates * epochs if confirm.settings else 0
    confirm_s = confirm_epochs * (confirm.settings * cost.aikd_epoch_s + len(confirm.baselines) * cost.ce_epoch_s)
    teachers_s = teachers * (base.teacher.epochs or epochs) * cost.ce_epoch_s
    return [
        ("network", f"{base.model.name}, {cost.num_parameters:,} parameters"),
        ("teachers", _teachers(base, teachers)),
        (
            "cost",
            f"at most {_duration(search_s)} search + {_duration(confirm_s)} confirmation + "
            f"{_duration(teachers_s)} teachers of one worker, without the discriminator's steps",
        ),
        (
            "",
            f"measured here: {cost.ce_epoch_s:.3g} s a CE epoch, {cost.aikd_epoch_s:.3g} s with the previous student "
            f"({cost.device}, {cost.threads} threads, median of {cost.num_steps} steps "
            f"of {cost.num_images} images)",
        ),
    ]


def _teachers(base: Setting, number: int) -> str:
    if base.teacher.file is not None:
        return f"from {base.teacher.file}"
    return f"{number} of {base.teacher.epochs or base.train.epochs} epochs"


def _num_teachers(study: Study) -> int:
    """Teachers that are trained for the search and for the confirmation, at most."""
    if not may_need_teacher(study) or study.base.teacher.file is not None:
        return 0
    per_seed = study.search.trials if teacher_fields(study) else 1
    confirmed = study.confirm.replicates * (study.confirm.settings if per_seed > 1 else min(1, study.confirm.settings))
    return per_seed + confirmed


def _words(domain: Domain) -> str:
    match domain:
        case Uniform():
            text = f"uniform [{domain.low:g}, {domain.high:g}]"
        case LogUniform():
            text = f"loguniform [{domain.low:g}, {domain.high:g}]"
        case IntRange():
            text = f"int [{domain.low}, {domain.high}]"
        case Choice():
            text = f"one of {', '.join(str(option) for option in domain.options)}"
    off = f", or {domain.or_}" if domain.has_or else ""
    conditions = " and ".join(f"{path} is {' or '.join(map(str, wanted))}" for path, wanted in domain.when.items())
    return text + off + (f", when {conditions}" if conditions else "")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 4 * 86400 else f"{seconds / 86400:,.0f} days"
