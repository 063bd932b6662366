"""Small studies for the tests of the run layer."""

from typing import Any

from aikd_tune.spec import (
    Choice,
    Confirm,
    Data,
    Domain,
    EarlyStopping,
    IntRange,
    LogUniform,
    Resources,
    Search,
    Setting,
    Space,
    Study,
    Train,
    Uniform,
)
from aikd_tune.spec.defaults import fill

WEIGHTS: dict[str, Domain] = {
    "distill.temperature": LogUniform(1.0, 10.0),
    "distill.teacher.weight": LogUniform(0.01, 10.0, or_=0.0),
    "distill.previous.weight": LogUniform(0.01, 3.0, or_=0.0),
    "distill.adversarial.weight": LogUniform(0.001, 0.3, or_=0.0),
    "distill.adversarial.hidden": Choice(("32", "128", "256-64")),
    "distill.adversarial.gradient_penalty": Uniform(1.0, 30.0),
    "distill.adversarial.critic_steps": IntRange(1, 5),
}


def small_study(domains: dict[str, Domain] | None = None, **search: Any) -> Study:
    """A study over the digits with a few epochs."""
    base = Setting(data=Data(name="digits", test=900, val=500, train=100), train=Train(epochs=6))
    early = search.pop("early_stopping", EarlyStopping(name="asha", min_epochs=2, reduction=3))
    return Study(
        name="small",
        seed=0,
        base=fill(base),
        space=Space(WEIGHTS if domains is None else domains),
        search=Search(**{"trials": 20, "early_stopping": early, **search}),
        confirm=Confirm(settings=2, replicates=3),
        resources=Resources(),
    )
