"""What was read of a study file before its fields are put together."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from aikd_tune.spec.document import Entry, MappingItem
from aikd_tune.spec.domains import Domain
from aikd_tune.spec.leaves import Scalar
from aikd_tune.spec.names import ALL_FIELDS
from aikd_tune.spec.problems import Problems

Value = Scalar | tuple[Scalar, ...]


@dataclass
class Draft:
    """``values`` and ``domains`` by path, the line of each, and the paths whose value is a problem already."""

    problems: Problems
    values: dict[str, Value] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)

    def add(self, line: int, path: str, rule: str, found: str, nearest: str) -> None:
        """Note a problem of the field at ``path``."""
        self.bad.add(path)
        self.problems.add(line, path, rule, found, nearest)

    def entries(self, item: MappingItem, path: str) -> Iterator[Entry]:
        """The entries of the mapping at ``path``; a key that comes again is a problem."""
        lines: dict[str, int] = {}
        for entry in item.entries:
            if entry.key in lines:
                where = f"{path}.{entry.key}" if path else entry.key
                rule = f"must be there once (first in line {lines[entry.key]})"
                self.problems.add(entry.line, where, rule, f"a second {entry.key}", "one of the two")
            else:
                lines[entry.key] = entry.line
                yield entry

    def is_sound(self, *paths: str) -> bool:
        """Whether none of the fields is a problem already, so that rules across them mean something."""
        return not any(path == bad or path.startswith(f"{bad}.") for path in paths for bad in self.bad)

    def value(self, path: str) -> Value:
        """The fixed value at ``path``: as written, else the field's default."""
        if path in self.values:
            return self.values[path]
        default: Value = ALL_FIELDS[path].get_default()
        return default

    def line(self, *paths: str) -> int:
        """The line of the first of ``paths`` that the file has, else of the section around the first, else 1."""
        around = paths[0].split(".")
        sections = [".".join(around[:length]) for length in range(len(around) - 1, 0, -1)]
        return next((self.lines[path] for path in (*paths, *sections) if path in self.lines), 1)
