"""The rule of a leaf, read from its annotation: what it accepts, in words, and the nearest valid value."""

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from aikd_tune.spec.kinds import ARGUMENTS, HIDDEN, MILESTONES, NAME, OWN_CODE, SHA256, SHARE
from aikd_tune.spec.leaves import Scalar
from aikd_tune.spec.problems import one_of, yaml_text


@dataclass(frozen=True)
class Number:
    """A number within bounds; ``whole``: of Python's int alone."""

    whole: bool
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def accepts(self, value: object) -> bool:
        """Whether ``value`` obeys."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        if isinstance(value, float) and not math.isfinite(value):
            return False
        if abs(value) >= (2**63 if self.whole else 2**1024):  # more than a table's column, or a float, can hold
            return False
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    @property
    def text(self) -> str:
        """In words."""
        noun = "a whole number" if self.whole else "a number"
        if self.low == self.high:
            return f"{self.low:g}"
        if math.isfinite(self.low) and math.isfinite(self.high):
            return f"{noun} from {self.low:g} to {'below ' if self.open_high else ''}{self.high:g}"
        if self.open_low:
            return f"{noun} above {self.low:g}"
        return f"{noun} of {self.low:g} or more" if math.isfinite(self.low) else noun

    def nearest(self, value: object) -> Scalar:
        """The nearest valid value, or None where nothing is near."""
        if isinstance(value, str):
            text = value.strip().replace(",", ".")
            try:
                return self.nearest(float(text.removesuffix("%")) / (100 if text.endswith("%") else 1))
            except ValueError:
                return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**63:
            return None
        if self.open_high and value >= self.high:
            return self.high - 0.01
        near = min(max(round(value) if self.whole else value, self.low), self.high)
        near = int(near) if float(near).is_integer() and (self.whole or isinstance(value, int)) else near
        return near if self.accepts(near) else None


_MANY_WORDS, _SHOWN_WORDS = 20, 6


@dataclass(frozen=True)
class Words:
    """One of a few words."""

    options: tuple[str, ...]

    def accepts(self, value: object) -> bool:
        """Whether ``value`` obeys."""
        return isinstance(value, str) and value in self.options

    @property
    def text(self) -> str:
        """In words; a long list is left to the schema."""
        if len(self.options) > _MANY_WORDS:
            shown = ", ".join(self.options[:_SHOWN_WORDS])
            return f"{shown}, or one of {len(self.options) - _SHOWN_WORDS} more (aikd-tune schema lists them)"
        return one_of(self.options)

    def nearest(self, value: object) -> Scalar:
        """The most similar word, or None."""
        if value is None or value is False:
            return "none" if "none" in self.options else None
        plain = {option.lower().replace("_", "-"): option for option in self.options}
        close = difflib.get_close_matches(str(value).strip().lower().replace("_", "-"), plain, n=1, cutoff=0.5)
        return plain[close[0]] if close else None


@dataclass(frozen=True)
class Flag:
    """True or false."""

    text = "true or false"

    def accepts(self, value: object) -> bool:
        """Whether ``value`` obeys."""
        return isinstance(value, bool)

    def nearest(self, value: object) -> Scalar:
        """What yes, no, on, off, 1 and 0 mean, or None."""
        words = {"yes": True, "on": True, "y": True, "1": True, "true": True}
        words |= {"no": False, "off": False, "n": False, "0": False, "false": False}
        return words.get(str(value).strip().lower())


@dataclass(frozen=True)
class Text:
    """Words of a pattern; ``repair`` mends what is nearly one."""

    pattern: str
    text: str
    repair: Callable[[object], str | None]

    def accepts(self, value: object) -> bool:
        """Whether ``value`` obeys."""
        return isinstance(value, str) and re.fullmatch(self.pattern.strip("^$"), value, re.DOTALL) is not None

    def nearest(self, value: object) -> Scalar:
        """The mended text, or None."""
        near = self.repair(value)
        return near if near is not None and self.accepts(near) else None


@dataclass(frozen=True)
class Null:
    """Null: left to the default."""

    text = "null"

    def accepts(self, value: object) -> bool:
        """Whether ``value`` obeys."""
        return value is None

    def nearest(self, value: object) -> Scalar:
        """None: nothing is near null."""
        return None


Alternative = Number | Words | Flag | Text | Null


@dataclass(frozen=True)
class Rule:
    """What a leaf accepts: one of the alternatives. ``many``: a list of such values."""

    alternatives: tuple[Alternative, ...]
    many: bool = False

    @property
    def text(self) -> str:
        """In words, null (the default) left unsaid."""
        return " or ".join(a.text for a in self.alternatives if not isinstance(a, Null))

    def accepts(self, value: object) -> bool:
        """Whether ``value`` obeys."""
        return any(alternative.accepts(value) for alternative in self.alternatives)

    def normal(self, value: Scalar) -> Scalar:
        """A valid value as its setting holds it: whole numbers of a field of floats become floats."""
        floats = any(isinstance(a, Number) and not a.whole for a in self.alternatives)
        return float(value) if floats and isinstance(value, int) and not isinstance(value, bool) else value

    def nearest(self, value: object, default: object) -> str:
        """The nearest valid value as YAML, else ``default``, else the rule itself."""
        for alternative in self.alternatives:
            near = alternative.nearest(value)
            if near is not None:
                return yaml_text(near)
        return self.text if default is None else yaml_text(default)

    def number(self) -> Number | None:
        """The alternative that is a number."""
        return next((a for a in self.alternatives if isinstance(a, Number)), None)

    def words(self) -> tuple[Scalar, ...]:
        """Every valid value where they are few."""
        words: list[Scalar] = []
        for alternative in self.alternatives:
            if isinstance(alternative, Words):
                words.extend(alternative.options)
            elif isinstance(alternative, Flag):
                words.extend((True, False))
        return tuple(words)


def _share(value: object) -> str | None:
    if isinstance(value, float) and 0 < value < 1:
        return f"{100 * value:g}%"
    return re.sub(r"\s|percent", "", value).removesuffix("%") + "%" if isinstance(value, str) and "%" in value else None


def _widths(value: object) -> str | None:
    return "-".join(re.findall(r"[1-9][0-9]*", str(value))) or None


def _name(value: object) -> str | None:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", str(value)).lstrip("._-")[:64] or None


_PATTERNS = {
    SHARE: ('a share such as "20%"', _share),
    HIDDEN: ("widths joined by '-' such as 256-64", _widths),
    MILESTONES: ("epochs joined by '-' such as 150-225", _widths),
    NAME: ("1 to 64 letters, digits, '.', '_' or '-', a letter or digit first", _name),
    OWN_CODE: ("package.module:function", lambda value: None),
    ARGUMENTS: ('name=value pairs such as "dropout=0.1, depth=2"', lambda value: None),
    SHA256: ("64 hexadecimal digits", lambda value: str(value).lower()),
    "": ("text", lambda value: None if value is None else str(value)),
}


def _rule(annotation: Any, *metadata: object) -> Rule:
    """The rule of a type with its constraints."""
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *inner = get_args(annotation)
        return _rule(base, *inner, *metadata)
    if origin is tuple:
        return Rule(_rule(get_args(annotation)[0]).alternatives, many=True)
    if origin in (Union, UnionType):
        parts = [_rule(part).alternatives for part in get_args(annotation)]
        order = (Words, Text, Flag, Number, Null)  # a text such as "20%" is nearer to 0.2 than a count
        words = tuple(o for part in parts for a in part if isinstance(a, Words) for o in a.options)
        flat: list[Alternative] = [a for part in parts for a in part if not isinstance(a, Words)]
        flat += [Words(words)] if words else []
        return Rule(tuple(sorted(flat, key=lambda a: order.index(type(a)))))
    if origin is Literal:
        return Rule((Words(get_args(annotation)),))
    return Rule((_simple(annotation, _constraints(metadata)),))


def _constraints(metadata: tuple[object, ...]) -> list[object]:
    return [item for entry in metadata for item in (entry.metadata if isinstance(entry, FieldInfo) else [entry])]


def _simple(kind: Any, constraints: list[object]) -> Alternative:
    if kind is NoneType:
        return Null()
    if kind is bool:
        return Flag()
    if kind is str:
        pattern = next((c.pattern for c in constraints if hasattr(c, "pattern")), "")
        return Text(pattern or ".*", *_PATTERNS[pattern])
    assert kind in (int, float), kind
    bounds: dict[str, Any] = {}
    for constraint in constraints:
        if isinstance(constraint, Ge | Gt):
            low = constraint.ge if isinstance(constraint, Ge) else constraint.gt
            bounds |= {"low": low, "open_low": isinstance(constraint, Gt)}
        elif isinstance(constraint, Le | Lt):
            high = constraint.le if isinstance(constraint, Le) else constraint.lt
            bounds |= {"high": high, "open_high": isinstance(constraint, Lt)}
    return Number(kind is int, **bounds)


def rule_of(field: FieldInfo) -> Rule:
    """The rule of a leaf."""
    return _rule(field.annotation, *field.metadata)
