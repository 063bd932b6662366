"""Arguments of a network as a study file has them: text such as ``dropout=0.1, depth=2``."""

import math

from aikd_tune.errors import UserError

Argument = bool | int | float | str | None

_WORDS: dict[str, Argument] = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}


def parse(text: str | None) -> dict[str, Argument]:
    """Names and values: a whole number, a number, true, false, null, and everything else a word.

    Raises UserError where a name comes twice; the rest of the form was checked with the study file.
    """
    values: dict[str, Argument] = {}
    for pair in (text or "").split(",") if text else ():
        name, _, value = (part.strip() for part in pair.partition("="))
        if name in values:
            raise UserError(f"model.arguments: must name each argument once, found {name} twice")
        values[name] = _value(value)
    return values


def _value(text: str) -> Argument:
    if text in _WORDS:
        return _WORDS[text]
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text  # nan and inf are words: no network is built from them
