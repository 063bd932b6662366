"""YAML 1.2 text as a tree with line numbers; the only place that knows the YAML library.

``1e-4`` is a number and ``off`` a word. Nothing but plain scalars, lists and mappings is read: tags, anchors,
aliases and other versions of YAML are problems.
"""

from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, DocumentStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from aikd_tune.spec.leaves import Scalar
from aikd_tune.spec.problems import Problems

_PREFIX = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class ScalarItem:
    """A scalar: its value, and its text as the file has it. ``tagged``: a tag (a problem already) hides its value."""

    line: int
    value: Scalar
    text: str
    tagged: bool = False


@dataclass(frozen=True)
class ListItem:
    """A list."""

    line: int
    items: tuple["Item", ...]
    text: str


@dataclass(frozen=True)
class Entry:
    """One key of a mapping with its value; ``line`` is the key's."""

    key: str
    line: int
    item: "Item"


@dataclass(frozen=True)
class MappingItem:
    """A mapping, in the order of the file; a key may still be there twice."""

    line: int
    entries: tuple[Entry, ...]
    text: str


Item = ScalarItem | ListItem | MappingItem


def read_document(text: str, problems: Problems) -> Item | None:
    """The tree of ``text``; None for an empty file or one that is no YAML (then ``problems`` says why)."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    try:
        tagged = _refused(yaml, text, problems)
        root = None if tagged is None else yaml.compose(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.add(line, "YAML", "a character that no text has", f"#x{error.character:04x}", "remove it")
        return None
    except MarkedYAMLError as error:
        _add_syntax_problem(error, text, problems)
        return None
    except YAMLError as error:
        problems.add(1, "YAML", "cannot be read", " ".join(str(error).split()), "plain YAML 1.2")
        return None
    return None if root is None or tagged is None else _item(yaml, root, tagged)


def _refused(yaml: YAML, text: str, problems: Problems) -> frozenset[tuple[int, int]] | None:
    """Positions of the tags of ``text``; None where it has something that leaves no plain tree."""
    tagged = set()
    plain = True
    for event in yaml.parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, DocumentStartEvent):
            version = event.version
            if version is not None and tuple(version) != (1, 2):
                found = f"%YAML {version[0]}.{version[1]}"
                line = next(i for i, row in enumerate(text.splitlines(), 1) if row.startswith("%YAML"))
                problems.add(line, "YAML", "must be YAML 1.2", found, "remove the line")
                plain = False
        elif isinstance(event, AliasEvent):
            problems.add(line, "YAML", "aliases are not read", f"*{event.anchor}", "the value written out")
            plain = False
        elif getattr(event, "tag", None) is not None:
            tag = str(event.tag)
            shown = f"!!{tag.removeprefix(_PREFIX)}" if tag.startswith(_PREFIX) else tag
            problems.add(line, "YAML", "tags are not read", shown, "the value without it")
            tagged.add((event.start_mark.line, event.start_mark.column))
    return frozenset(tagged) if plain else None


def _item(yaml: YAML, node: Node, tagged: frozenset[tuple[int, int]]) -> Item:
    line = node.start_mark.line + 1
    if (node.start_mark.line, node.start_mark.column) in tagged:
        return ScalarItem(line, None, "", tagged=True)
    if isinstance(node, ScalarNode):
        text = str(node.value) if node.style is None else f'"{node.value}"'
        return ScalarItem(line, _value(yaml, node), text or "null")
    if isinstance(node, MappingNode):
        entries = tuple(
            Entry(
                str(key.value) if isinstance(key, ScalarNode) else "a list or mapping",
                key.start_mark.line + 1,
                _item(yaml, value, tagged),
            )
            for key, value in node.value
        )
        return MappingItem(line, entries, "{" + ", ".join(f"{e.key}: {e.item.text}" for e in entries) + "}")
    items = tuple(_item(yaml, child, tagged) for child in node.value)
    return ListItem(line, items, "[" + ", ".join(item.text for item in items) + "]")


def _value(yaml: YAML, node: ScalarNode) -> Scalar:
    """The value of a scalar; what is no number, bool or null is a word."""
    if str(node.tag).removeprefix(_PREFIX) not in {"null", "bool", "int", "float"}:
        return str(node.value)
    try:
        value = yaml.constructor.construct_object(node)
    except ValueError:  # a number of thousands of digits
        return str(node.value)
    assert value is None or isinstance(value, bool | int | float)
    return float(value) if isinstance(value, float) else value


def _add_syntax_problem(error: MarkedYAMLError, text: str, problems: Problems) -> None:
    mark = error.problem_mark or error.context_mark
    problem = " ".join(str(error.problem or error.context).split()).removeprefix("but ")
    at = error.context_mark if "could not find expected ':'" in problem and error.context_mark else mark
    index = at.line if at is not None else 0
    lines = text.splitlines()
    found = " ".join(lines[index].split()) if index < len(lines) else "the end of the file"
    hint = next((hint for part, hint in _HINTS.items() if part in problem), "plain YAML 1.2")
    problems.add(index + 1, "YAML", problem, found, hint)


_HINTS = {
    r"'\t'": "spaces, as many as in the lines beside it",
    "could not find expected ':'": "a space after the colon, as in 'lr: 0.05'",
    "mapping values are not allowed here": "one 'key: value' a line, indented like its neighbours",
    "expected ',' or ']'": "a closing ]",
    "expected ',' or '}'": "a closing }",
    "unexpected end of stream": "a closing quote",
    "found another document": "one document a file (no '---' between)",
    "that cannot start any token": "the value in quotes",
    "expected <block end>": "the indentation of the lines beside it",
}
