"""What a study asks of phase 1 and of the networks, over its whole space."""

from itertools import product

from aikd_tune.spec.activity import active_fields
from aikd_tune.spec.defaults import fill
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.keys import teacher_form
from aikd_tune.spec.leaves import Scalar, flatten, unflatten
from aikd_tune.spec.reach import ends
from aikd_tune.spec.study import Study

# What decides whether other fields of phase 1 are used at all.
_SELECTORS = ("train.optimizer", "train.lr_schedule", "teacher.optimizer", "teacher.lr_schedule")


def may_need_teacher(study: Study) -> bool:
    """Whether some setting of the study has a teacher's term, a discriminator or a warm start."""
    if "aikd" not in _values(study, "distill.method"):
        return False
    weights = ("distill.teacher.weight", "distill.adversarial.weight")
    used = any(isinstance(value, float) and value > 0 for path in weights for value in _values(study, path))
    return used or "teacher" in _values(study, "distill.start")


def sees_features(study: Study) -> bool:
    """Whether some setting of the study has a discriminator of penultimate features."""
    weights = _values(study, "distill.adversarial.weight")
    used = any(isinstance(value, float) and value > 0 for value in weights)
    return (
        used
        and "aikd" in _values(study, "distill.method")
        and "features" in _values(study, "distill.adversarial.input")
    )


def network_alternatives(study: Study) -> list[Setting]:
    """The base setting with every option, or both ends of the range, of each searched field of ``model``."""
    paths = [path for path in study.space.domains if path.startswith("model.")]
    base = flatten(study.base)
    found = {}
    for chosen in product(*(_values(study, path) for path in paths)):
        setting = fill(unflatten(base | dict(zip(paths, chosen, strict=True))))
        active = active_fields(setting)
        found[tuple(active.get(path) for path in paths)] = setting
    return list(found.values())


def teacher_fields(study: Study) -> list[str]:
    """The searched paths, in the space's order, that phase 1 depends on; none where nothing needs a teacher."""
    if not may_need_teacher(study):
        return []
    searched = [path for path in _SELECTORS if path in study.space.domains]
    bases = [
        flatten(study.base) | dict(zip(searched, chosen, strict=True))
        for chosen in product(*(_values(study, path) for path in searched))
    ]
    return [path for path in study.space.order if any(_differ(base, path, _values(study, path)) for base in bases)]


def _differ(base: dict[str, Scalar], path: str, values: tuple[Scalar, ...]) -> bool:
    forms = [teacher_form(unflatten(base | {path: value})) for value in values]
    return any(form != forms[0] for form in forms)


def _values(study: Study, path: str) -> tuple[Scalar, ...]:
    domain = study.space.domains.get(path)
    return (flatten(study.base)[path],) if domain is None else ends(domain)
