"""Text of ``model.arguments`` as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikd_tune.errors import UserError
from aikd_tune.kd.networks.arguments import Argument, parse

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.one_of(
    st.booleans(),
    st.none(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["batch", "gelu", "1x1", "nan", "inf", "no", "a b"]),
)


def written(value: Argument) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), st.sampled_from([", ", ",", " ,  "]))
def test_values_come_back_with_their_kinds(values: dict[str, Argument], separator: str) -> None:
    text = separator.join(f"{name}={written(value)}" for name, value in values.items())
    parsed = parse(text)
    assert parsed == values
    assert {name: type(value) for name, value in parsed.items()} == {n: type(v) for n, v in values.items()}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("1.0", 1.0), ("1e-3", 0.001), ("-2", -2), ("True", True), ("None", None), ("1-2", "1-2")],
)
def test_one_value(text: str, value: Argument) -> None:
    parsed = parse(f"a={text}")["a"]
    assert (parsed, type(parsed)) == (value, type(value))


def test_nothing() -> None:
    assert parse(None) == {}


def test_one_name_twice() -> None:
    with pytest.raises(UserError, match=r"^model\.arguments: must name each argument once, found depth twice$"):
        parse("depth=1, width=2, depth=1")
