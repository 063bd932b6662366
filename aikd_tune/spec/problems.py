"""Everything that is wrong with one study file, one line each."""

import json
import re
from collections.abc import Iterable

from aikd_tune.errors import StudyFileError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*|[0-9]+(-[0-9]+)+|[0-9.]+%")
_RESERVED = re.compile(r"null|true|false", re.IGNORECASE)


class Problems:
    """Collects problems, and gives them in the order of the file's lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[tuple[int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, line: int, path: str, rule: str, found: str, nearest: str) -> None:
        """A value that breaks ``rule``: what was found, and the nearest that would do."""
        self.say(line, path, f"{rule}, found {found}, nearest valid {nearest}")

    def say(self, line: int, path: str, text: str) -> None:
        """A problem in words of its own."""
        self._found.append((line, f"{self.file}:{line}: {path}: {text}"))

    def lines(self) -> list[str]:
        """One line a problem, each once, ordered by line number."""
        return list(dict.fromkeys(text for _, text in sorted(self._found, key=lambda item: item[0])))

    def error(self) -> StudyFileError:
        """All of them as one error."""
        return StudyFileError(self.lines())


def yaml_text(value: object) -> str:
    """``value`` on one line as a study file would have it: reading it gives the value back."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and not _RESERVED.fullmatch(value)
        return value if plain else _quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml_text(key)}: {yaml_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(yaml_text(item) for item in value) + "]"
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return ".nan" if value != value else f"{'-' if value < 0 else ''}.inf"
    return json.dumps(value)


def _quoted(text: str) -> str:
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text) + '"'


def one_of(names: Iterable[str]) -> str:
    """The names, for a message: "a, b or c"."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
