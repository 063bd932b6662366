"""Load a function of the user's own, named ``package.module:function``; where its source is: ``spec.own_code``."""

import importlib
from collections.abc import Callable
from pathlib import Path

from aikd_tune.errors import UserError
from aikd_tune.spec.own_code import source_file

_THIS_FOLDER = str(Path(__file__).parent)


def load_function(name: str) -> Callable[..., object]:
    """The function that ``name`` stands for; raises UserError, one line, where it cannot be imported or is none."""
    source_file(name)
    module_name, _, function_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # the user's module may raise anything
        raise UserError(f"{name}: module {module_name} must be importable, found {described(error)}") from error
    function: object = getattr(module, function_name, None)
    if not callable(function):
        found = "nothing of that name" if function is None else type(function).__name__
        raise UserError(f"{name}: {function_name} must be a function of {module.__file__}, found {found}")
    return function


def described(error: BaseException) -> str:
    """An error of the user's own code in one line, with the file and line of theirs that raised it."""
    trace, where = error.__traceback__, ""
    while trace is not None and not isinstance(error, SyntaxError):  # which names its place itself
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(("<", _THIS_FOLDER)):  # the machinery of imports, and this package
            where = f" ({file}:{trace.tb_lineno})"
        trace = trace.tb_next
    return " ".join(f"{type(error).__name__}: {error}".split()) + where
