"""A domain of a study file: ``{loguniform: [0.01, 10], or: 0, when: {path: value}}``."""

from dataclasses import dataclass, replace

from aikd_tune.spec.defaults import FILLED
from aikd_tune.spec.document import Entry, Item, ListItem, MappingItem, ScalarItem
from aikd_tune.spec.domains import ABSENT, Absent, Choice, Domain, IntRange, LogUniform, Uniform, is_number, same
from aikd_tune.spec.draft import Draft
from aikd_tune.spec.leaves import SETTING_FIELDS, Scalar
from aikd_tune.spec.names import nearest_key, nearest_path, usual_value
from aikd_tune.spec.problems import yaml_text
from aikd_tune.spec.rules import Rule, rule_of

KINDS = ("uniform", "loguniform", "int", "choice")
OPTIONS = ("or", "when", "log", "step")


def read_domain(rule: Rule, item: MappingItem, path: str, draft: Draft) -> None:
    """Read the domain of the field at ``path``, whose values obey ``rule``."""
    domain = _Reader(rule, path, draft).read(item)
    if domain is not None:
        draft.domains[path] = domain


@dataclass
class _Reader:
    """One domain of one field, and how many problems it has so far."""

    rule: Rule
    path: str
    draft: Draft
    num_bad: int = 0

    def bad(self, line: int, inner: str, rule: str, found: str, nearest: str) -> None:
        """Note a problem at ``path`` + ``inner``."""
        self.num_bad += 1
        self.draft.bad.add(self.path)
        self.draft.problems.add(line, self.path + inner, rule, found, nearest)

    def read(self, item: MappingItem) -> Domain | None:
        """The domain, or None with its problems noted."""
        entries = self._entries(item)
        kinds = [kind for kind in KINDS if kind in entries]
        when = self._when(entries["when"]) if "when" in entries else {}
        or_ = self._scalar(entries["or"].item, ".or") if "or" in entries else ABSENT
        if len(kinds) != 1:
            if not self.num_bad or kinds:  # a mistyped kind is a problem already
                self.bad(item.line, "", "must name one domain", " and ".join(kinds) or item.text, self._suited())
            return None
        domain: Domain | None
        if kinds[0] == "choice":
            domain = self._choice(entries["choice"], or_, when)
        else:
            domain = self._range(kinds[0], entries, or_, when)
        for option in ("log", "step"):
            if option in entries and kinds[0] != "int":
                near = "loguniform" if (kinds[0], option) == ("uniform", "log") else f"{kinds[0]} without it"
                self.bad(entries[option].line, f".{option}", "belongs to int", entries[option].item.text, near)
        if domain is not None and not self.num_bad and not isinstance(or_, Absent):
            self._check_or(entries["or"], domain, or_)
        return None if self.num_bad else domain

    def _entries(self, item: MappingItem) -> dict[str, Entry]:
        entries = {}
        for entry in self.draft.entries(item, self.path):
            if entry.key in (*KINDS, *OPTIONS):
                entries[entry.key] = entry
            else:
                near = nearest_key(entry.key, (*KINDS, *OPTIONS), self.path)
                self.bad(entry.line, f".{entry.key}", "is no domain and no key of one", entry.key, near)
        return entries

    def _suited(self) -> str:
        """A domain of a kind that suits the field."""
        number, words = self.rule.number(), self.rule.words()
        if words:
            return yaml_text({"choice": words})
        return "{choice: [a, b]}" if number is None else "{int: [lo, hi]}" if number.whole else "{uniform: [lo, hi]}"

    def _scalar(self, item: Item, inner: str) -> Scalar:
        """A valid value of the field, normalised; None with a problem noted where it is none."""
        if isinstance(item, ScalarItem) and item.tagged:
            self.num_bad += 1
            self.draft.bad.add(self.path)
        elif isinstance(item, ScalarItem) and self.rule.accepts(item.value):
            if item.value is not None or self.path not in FILLED:
                return self.rule.normal(item.value)
            self.bad(item.line, inner, "must be a value (null stands for a default)", "null", self.rule.text)
        else:
            value = item.value if isinstance(item, ScalarItem) else item.text
            near = self.rule.nearest(value, usual_value(self.path))
            self.bad(item.line, inner, f"must be {self.rule.text}", item.text, near)
        return None

    def _choice(self, entry: Entry, or_: Scalar | Absent, when: dict[str, tuple[Scalar, ...]]) -> Domain | None:
        if not isinstance(entry.item, ListItem) or not entry.item.items:
            near = f"[{entry.item.text}]" if isinstance(entry.item, ScalarItem) else self._suited()
            self.bad(entry.line, ".choice", "must be a list of one value or more", entry.item.text, near)
            return None
        options: list[Scalar] = []
        for index, item in enumerate(entry.item.items):
            before = self.num_bad
            value = self._scalar(item, f".choice[{index}]")
            if self.num_bad > before:
                continue
            if any(same(value, other) for other in options):
                self.bad(item.line, f".choice[{index}]", "must be there once", item.text, "the list without it")
            options.append(value)
        return Choice(tuple(options), or_=or_, when=when)

    def _range(
        self, kind: str, entries: dict[str, Entry], or_: Scalar | Absent, when: dict[str, tuple[Scalar, ...]]
    ) -> Domain | None:
        entry = entries[kind]
        number = self.rule.number()
        if number is None:
            self.bad(entry.line, f".{kind}", f"must be a choice, of {self.rule.text}", entry.item.text, self._suited())
            return None
        log = kind == "loguniform" or (kind == "int" and self._log(entries))
        bounds = self._bounds(kind, log, entry)
        if bounds is None:
            return None
        low, high = bounds
        if kind != "int":
            if number.whole:
                near = f"{{int: {entry.item.text}{', log: true' if log else ''}}}"
                self.bad(entry.line, f".{kind}", "must be int (the field takes whole numbers)", entry.item.text, near)
                return None
            domain = LogUniform if log else Uniform
            return domain(float(low), float(high), or_=or_, when=when)
        step = self._step(entries, int(low), int(high), log)
        return IntRange(int(low), int(high), step, log, or_=or_, when=when)

    def _bounds(self, kind: str, log: bool, entry: Entry) -> tuple[float, float] | None:
        """lo and hi, each valid for the field, lo < hi, and lo > 0 where the range is logarithmic."""
        items = entry.item.items if isinstance(entry.item, ListItem) else ()
        values = [item.value for item in items if isinstance(item, ScalarItem) and is_number(item.value)]
        if len(items) != 2 or len(values) != 2:
            self.bad(entry.line, f".{kind}", "must be [lo, hi], two numbers", entry.item.text, "[lo, hi]")
            return None
        low, high = values
        if log and low <= 0 < high:
            start = 1 if kind == "int" else high / 1000
            switch = ", or: 0" if low == 0 and self.rule.accepts(0) else ""
            near = f"{{{kind}: [{yaml_text(start)}, {yaml_text(high)}]{', log: true' * (kind == 'int')}{switch}}}"
            self.bad(entry.line, f".{kind}", "must start above 0 (a logarithm)", entry.item.text, near)
            return None
        before = self.num_bad
        for index, value in enumerate(values):
            if kind == "int" and not isinstance(value, int):
                near = yaml_text(round(value)) if abs(value) < 2**63 else self.rule.text
                self.bad(entry.line, f".{kind}[{index}]", "must be a whole number", yaml_text(value), near)
            elif not self.rule.accepts(value) and not (self.rule.number() and _is_whole_bound(self.rule, value)):
                near = self.rule.nearest(value, usual_value(self.path))
                self.bad(entry.line, f".{kind}[{index}]", f"must be {self.rule.text}", yaml_text(value), near)
        if self.num_bad == before and low >= high:
            near = f"[{yaml_text(high)}, {yaml_text(low)}]" if low > high else f"{yaml_text(low)} alone"
            self.bad(entry.line, f".{kind}", "must have lo below hi", entry.item.text, near)
        return (low, high) if self.num_bad == before else None

    def _log(self, entries: dict[str, Entry]) -> bool:
        if "log" not in entries:
            return False
        item = entries["log"].item
        if isinstance(item, ScalarItem) and isinstance(item.value, bool):
            return item.value
        self.bad(item.line, ".log", "must be true or false", item.text, "true")
        return False

    def _step(self, entries: dict[str, Entry], low: int, high: int, log: bool) -> int:
        if "step" not in entries:
            return 1
        item = entries["step"].item
        step = item.value if isinstance(item, ScalarItem) else None
        if isinstance(step, bool) or not isinstance(step, int) or step < 1:
            self.bad(item.line, ".step", "must be a whole number of 1 or more", item.text, "1")
            return 1
        if log and step > 1:
            self.bad(item.line, ".step", "must be 1 in a logarithmic range", item.text, "1")
        elif (high - low) % step:
            last = low + max((high - low) // step, 1) * step
            self.bad(item.line, ".step", f"must lead from {low} to {high}", item.text, f"int: [{low}, {last}]")
        return step

    def _check_or(self, entry: Entry, domain: Domain, or_: Scalar) -> None:
        """``or`` is no value of the domain proper: else nobody could tell which of the two was meant."""
        if replace(domain, or_=ABSENT).contains(or_):
            self.bad(entry.line, ".or", "must lie outside the domain", entry.item.text, "the domain without it")

    def _when(self, entry: Entry) -> dict[str, tuple[Scalar, ...]]:
        when: dict[str, tuple[Scalar, ...]] = {}
        if not isinstance(entry.item, MappingItem) or not entry.item.entries:
            self.bad(entry.line, ".when", "must be {path: value or list}", entry.item.text, "{distill.method: aikd}")
            return when
        for condition in self.draft.entries(entry.item, f"{self.path}.when"):
            inner = f".when.{condition.key}"
            if condition.key not in SETTING_FIELDS:
                near = nearest_path(condition.key)
                self.bad(condition.line, inner, "must name a field of a setting", condition.key, near)
            elif condition.key == self.path:
                self.bad(condition.line, inner, "must name another field", condition.key, "the path of another field")
            else:
                when[condition.key] = self._wanted(condition, inner)
        return when

    def _wanted(self, condition: Entry, inner: str) -> tuple[Scalar, ...]:
        rule = rule_of(SETTING_FIELDS[condition.key])
        item = condition.item
        wanted = []
        for child in item.items if isinstance(item, ListItem) else (item,):
            value = child.value if isinstance(child, ScalarItem) else child.text
            if rule.accepts(value):
                wanted.append(rule.normal(value))
            else:
                self.bad(child.line, inner, f"must be {rule.text}", child.text, rule.nearest(value, None))
        if isinstance(item, ListItem) and not item.items:
            self.bad(item.line, inner, "must be a value or a list of values", "[]", rule.text)
        return tuple(wanted)


def _is_whole_bound(rule: Rule, value: int | float) -> bool:
    number = rule.number()
    return number is not None and number.whole and rule.accepts(round(value))
