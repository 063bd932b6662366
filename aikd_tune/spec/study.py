"""A study as its file says, checked and resolved."""

from dataclasses import dataclass

from aikd_tune.spec.fields import Setting
from aikd_tune.spec.space import Space
from aikd_tune.spec.study_fields import MAXIMISED_METRICS, Confirm, Resources, Search


@dataclass(frozen=True)
class Study:
    """One search: its fixed fields, its space, and how it is run.

    ``base`` is the setting of defaults: each domain is replaced by the field's default where the domain contains it,
    else by the value nearest to that; defaults per set and per network are filled in, sizes are counts.
    """

    name: str
    seed: int
    base: Setting
    space: Space
    search: Search
    confirm: Confirm
    resources: Resources


def is_maximised(metric: str) -> bool:
    """Whether more of ``metric`` (with or without its split's prefix) is better."""
    return metric in MAXIMISED_METRICS or f"val_{metric.removeprefix('test_')}" in MAXIMISED_METRICS
