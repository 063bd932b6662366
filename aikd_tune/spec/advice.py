"""What is allowed in a study but seldom meant: warnings of ``aikd-tune check``."""

import math

from aikd_tune.spec.activity import hidden_layers, teacher_train
from aikd_tune.spec.domains import Choice, is_number
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.leaves import Scalar, flatten
from aikd_tune.spec.reach import ends
from aikd_tune.spec.study import Study
from aikd_tune.spec.teachers import teacher_fields

ENOUGH_CRITIC_TRAINING = 0.075  # Adam steps x learning rate that reached the reachable gap on synthetic logits


def advice(study: Study) -> list[str]:
    """One line a warning; none of them stops a study."""
    checks = (_warm_up, _ramp, _teachers, _milestones, _critic, _dead_conditions, _finite)
    return [line for check in checks for line in check(study)]


def _possible(study: Study, path: str) -> tuple[Scalar, ...]:
    domain = study.space.domains.get(path)
    return (flatten(study.base)[path],) if domain is None else ends(domain)


def _highest(study: Study, path: str) -> float:
    return max(value for value in _possible(study, path) if is_number(value))


def _may_use(study: Study, term: str) -> bool:
    return "aikd" in _possible(study, "distill.method") and _highest(study, f"distill.{term}.weight") > 0


def _first_rung(study: Study) -> int | None:
    stopping = study.search.early_stopping
    return stopping.min_epochs if stopping.name == "asha" else None


def _warm_up(study: Study) -> list[str]:
    if not _may_use(study, "adversarial"):
        return []
    warmup, epochs, rung = (
        int(_highest(study, "distill.adversarial.warmup_epochs")),
        int(_highest(study, "train.epochs")),
        _first_rung(study),
    )
    if warmup >= epochs:
        return [f"distill.adversarial.warmup_epochs: {warmup} of {epochs} epochs leave the adversarial term no epoch"]
    if rung is not None and 0 < rung <= warmup:
        return [
            f"search.early_stopping.min_epochs: the first rung (epoch {rung}) comes before the adversarial term "
            f"(from epoch {warmup + 1}): raise it above {warmup}"
        ]
    return []


def ramp(kind: Scalar, share: float) -> float:
    """Share of its weight that the previous student's term has after ``share`` of the epochs."""
    if kind == "linear":
        return share
    return (1 - math.cos(math.pi * share)) / 2 if kind == "cosine" else 1.0


def _ramp(study: Study) -> list[str]:
    rung = _first_rung(study)
    if rung is None or not _may_use(study, "previous"):
        return []
    epochs = int(_highest(study, "train.epochs"))
    reached = min(ramp(kind, min(rung / epochs, 1)) for kind in _possible(study, "distill.previous.ramp"))
    if reached >= 0.5:
        return []
    return [
        f"search.early_stopping.min_epochs: at the first rung (epoch {rung} of {epochs}) the term of the previous "
        f"student has {100 * reached:.0f} % of its weight, so rungs judge settings before it counts: "
        f"raise it to {math.ceil(epochs / 2)}, or ramp: constant"
    ]


def _teachers(study: Study) -> list[str]:
    lines = []
    for path in teacher_fields(study):
        section, _, name = path.partition(".")
        if section == "train":
            lines.append(
                f"{path}: searched, and phase 1 inherits it: a teacher per value; fix teacher.{name} to share one"
            )
        else:
            lines.append(f"{path}: searched, and phase 1 depends on it: a teacher per value")
    return lines


def _milestones(study: Study) -> list[str]:
    """A rate that would drop after the last epoch never does."""
    lines = []
    for phase in ("train", "teacher"):
        train = study.base.train if phase == "train" else teacher_train(study.base)
        path = f"{phase}.lr_milestones"
        own = phase == "train" or flatten(study.base)[path] is not None
        if own and train.lr_schedule == "step" and train.lr_milestones is not None:
            last = hidden_layers(train.lr_milestones)[-1]
            if last >= train.epochs:
                lines.append(f"{path}: {train.lr_milestones} goes on after the last epoch ({train.epochs})")
    return lines


def _critic(study: Study) -> list[str]:
    """Whether the discriminator of the defaults gets steps enough to be one."""
    base = study.base
    train = base.data.train
    if not _may_use(study, "adversarial") or not isinstance(train, int):
        return []
    steps = critic_steps(base, train)
    term = base.distill.adversarial
    if steps == 0 or steps * term.lr >= ENOUGH_CRITIC_TRAINING:
        return []
    return [
        f"distill.adversarial: {steps} critic steps at {term.lr:g} leave the discriminator untrained, so its weight "
        "and size change little: critic_steps: 5, or lr: 1e-3"
    ]


def critic_steps(setting: Setting, num_train: int) -> int:
    """Discriminator updates in a whole training on ``num_train`` images."""
    term = setting.distill.adversarial
    epochs = max(setting.train.epochs - term.warmup_epochs, 0)
    return epochs * math.ceil(num_train / setting.train.batch_size) * term.critic_steps


def _dead_conditions(study: Study) -> list[str]:
    lines = []
    for path, domain in study.space.domains.items():
        for other, wanted in domain.when.items():
            searched = study.space.domains.get(other)
            values = (flatten(study.base)[other],) if searched is None else ends(searched)
            reachable = isinstance(searched, Choice) or searched is None
            if reachable and not set(values) & set(wanted):
                lines.append(f"{path}.when: {other} is never one of {', '.join(map(str, wanted))}, so never searched")
    return lines


def _finite(study: Study) -> list[str]:
    count = study.space.count(study.base)
    if count is not None and count > study.search.trials and study.search.sampler == "grid":
        return [f"search.trials: {study.search.trials} of the grid's {count} settings; raise it to run all"]
    if count is None or count >= study.search.trials:
        return []
    noun = "setting" if count == 1 else "settings"
    return [f"search.trials: the space has {count} distinct {noun}, so the search ends before {study.search.trials}"]
