"""The space of a study: the fields whose value is a domain, asked parents first."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from math import prod

from aikd_tune.spec.activity import CONDITIONS, is_active
from aikd_tune.spec.defaults import fill
from aikd_tune.spec.domains import Choice, Domain, IntRange
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.keys import canonical
from aikd_tune.spec.leaves import FIELD_DEFAULTS, SETTING_FIELDS, Scalar, flatten, unflatten

Suggest = Callable[[str, Domain], Scalar]


@dataclass(frozen=True)
class Space:
    """The searched fields: dotted path -> domain."""

    domains: Mapping[str, Domain] = field(default_factory=dict)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The searched paths, each after every field that decides whether it is active."""
        ordered, circle = sort_by_parents(self.domains)
        assert not circle, f"conditions run in a circle: {circle}"
        return tuple(path for path in ordered if path in self.domains)

    @property
    def size(self) -> int | None:
        """How many settings there are at most; None: without end. Inactive fields make the distinct ones fewer."""
        sizes = [domain.size for domain in self.domains.values()]
        finite = [size for size in sizes if size is not None]
        return prod(finite) if len(finite) == len(sizes) else None

    def ask(self, base: Setting, suggest: Suggest) -> Setting:
        """A setting: ``suggest(path, domain)`` is called for each field that is active given those chosen so far.

        A field whose own ``when`` does not hold takes its field default; one that is inactive by itself stays as in
        ``base``.
        """
        values = flatten(base)
        for path in self.order:
            if not is_active(path, values):
                continue
            domain = self.domains[path]
            values[path] = suggest(path, domain) if self._when_holds(domain, values) else FIELD_DEFAULTS[path]
        return fill(unflatten(values))

    def resolve(self, base: Setting, values: Mapping[str, Scalar]) -> Setting:
        """The setting with ``values`` at the searched paths; an active path left out stays as in ``base``."""
        defaults = flatten(base)
        return self.ask(base, lambda path, _: values[path] if path in values else defaults[path])

    def values(self, setting: Setting) -> dict[str, Scalar]:
        """The active searched fields of ``setting``, in ``order``: what ``resolve`` needs to give it back."""
        values = flatten(setting)
        return {
            path: _as_in(self.domains[path], values[path])
            for path in self.order
            if is_active(path, values) and self._when_holds(self.domains[path], values)
        }

    def contains(self, setting: Setting) -> bool:
        """Whether each active searched field of ``setting`` has a value of its domain."""
        return all(self.domains[path].contains(value) for path, value in self.values(setting).items())

    def settings(self, base: Setting) -> Iterator[Setting]:
        """Every distinct setting of a finite space, in the order of the domains; inactive fields tell none apart."""
        assert self.size is not None, "the space has no end"
        seen: set[tuple[tuple[str, Scalar], ...]] = set()
        prefixes: list[tuple[Scalar, ...]] = [()]
        while prefixes:
            prefix = prefixes.pop()
            branches: list[Scalar] = []
            asked = iter(prefix)

            def suggest(
                path: str, domain: Domain, asked: Iterator[Scalar] = asked, out: list[Scalar] = branches
            ) -> Scalar:
                assert isinstance(domain, IntRange | Choice), f"{path} has no end"
                for value in asked:
                    return value
                if not out:
                    out.extend(domain.members)
                    return out[0]
                return domain.members[0]

            setting = self.ask(base, suggest)
            if branches:
                prefixes.extend((*prefix, value) for value in reversed(branches))
                continue
            identity = tuple(sorted(canonical(setting).items(), key=lambda item: item[0]))
            if identity not in seen:
                seen.add(identity)
                yield setting

    def count(self, base: Setting, limit: int = 10_000) -> int | None:
        """How many distinct settings there are; None: without end, or more than ``limit`` to tell apart."""
        if self.size is None:
            return None
        counted = sum(1 for _ in islice(self.settings(base), limit + 1))
        return counted if counted <= limit else None

    def _when_holds(self, domain: Domain, values: Mapping[str, Scalar]) -> bool:
        """Each field that ``when`` names is active and has one of the values listed."""
        return all(
            is_active(path, values) and self._parent_holds(path, values) and values[path] in wanted
            for path, wanted in domain.when.items()
        )

    def _parent_holds(self, path: str, values: Mapping[str, Scalar]) -> bool:
        return path not in self.domains or self._when_holds(self.domains[path], values)


def parents_of(domains: Mapping[str, Domain]) -> dict[str, set[str]]:
    """For each path of a setting the fields that decide whether it matters, by themselves or by a ``when``."""
    return {
        path: {
            *(CONDITIONS[path].parents if path in CONDITIONS else ()),
            *(domains[path].when if path in domains else ()),
        }
        for path in SETTING_FIELDS
    }


def sort_by_parents(domains: Mapping[str, Domain]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All paths of a setting, parents first, else as declared; and those left over where conditions run in a circle."""
    rank = {path: index for index, path in enumerate(SETTING_FIELDS)}
    parents = parents_of(domains)
    ready = [rank[path] for path in rank if not parents[path]]
    paths = list(rank)
    ordered: list[str] = []
    heapq.heapify(ready)
    waiting = {path: needed for path, needed in parents.items() if needed}
    while ready:
        path = paths[heapq.heappop(ready)]
        ordered.append(path)
        for child in [child for child, needed in waiting.items() if path in needed]:
            waiting[child].discard(path)
            if not waiting[child]:
                del waiting[child]
                heapq.heappush(ready, rank[child])
    return tuple(ordered), tuple(waiting)


def _as_in(domain: Domain, value: Scalar) -> Scalar:
    """A whole number of a field of floats as its domain writes it."""
    return (
        int(value) if isinstance(domain, IntRange) and isinstance(value, float) and not domain.is_or(value) else value
    )
