"""A network of the user's own: a function or class that a study file names as ``package.module:function``."""

import importlib
import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from torch import nn

from aikd_tune.errors import UserError
from aikd_tune.kd.networks.arguments import Argument, parse
from aikd_tune.kd.networks.first_forward import require_logits, told
from aikd_tune.spec.fields import Model


def user_network(model: Model, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """What ``model.name`` returns for ``num_classes``, and ``in_channels`` and ``image_size`` where it takes them.

    ``image_size`` is the side in pixels, or (H, W) of images that are not square; ``model.arguments`` are passed by
    name. The function is to draw from torch's global generator alone, which the caller seeds, and may build anything
    that turns images (n, C, H, W) into logits (n, num_classes). Raises UserError for everything that fails.
    """
    name, arguments = model.name, parse(model.arguments)
    module, builder = _function(name)
    channels, height, width = image_shape
    given: dict[str, object] = {
        "num_classes": num_classes,
        "in_channels": channels,
        "image_size": height if height == width else (height, width),
    }
    passed = _checked(name, builder, arguments, given)
    try:
        network = builder(**passed)
    except Exception as error:  # it is the user's: it may raise anything
        raise UserError(f"model.name: {name} must return a network, found {_raised(error, module)}") from error
    if not isinstance(network, nn.Module):
        raise UserError(f"model.name: {name} must return a torch.nn.Module, found {type(network).__name__}")
    require_logits(network, name, image_shape, num_classes)
    kinds = sorted({str(parameter.dtype).removeprefix("torch.") for parameter in network.parameters()})
    if kinds != ["float32"]:
        raise UserError(f"model.name: {name} must have float32 parameters, found {', '.join(kinds) or 'none'}")
    return network


def _function(name: str) -> tuple[ModuleType, Callable[..., object]]:
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # the module is run, and may raise anything
        raise UserError(f"model.name: {name} must be importable, found {told(error)}") from error
    builder = getattr(module, attribute, None)
    if builder is None:
        place = _file(module) or "a folder without a module"
        raise UserError(f"model.name: {module_name} must define {attribute}, found none in {place}")
    if not callable(builder):
        raise UserError(f"model.name: {name} must be a function or class, found {type(builder).__name__}")
    return module, builder


def _checked(
    name: str, builder: Callable[..., object], arguments: dict[str, Argument], given: dict[str, object]
) -> dict[str, object]:
    """What to call ``builder`` with: those of ``given`` that it takes, and ``arguments``."""
    try:
        parameters = inspect.signature(builder).parameters.values()
    except (TypeError, ValueError) as error:  # some that are not written in Python
        raise UserError(f"model.name: {name} must state its arguments, found {told(error)}") from error
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    if "num_classes" not in named and not takes_any:
        raise UserError(f"model.name: {name} must take num_classes, found ({', '.join(named)})")
    own = [parameter for parameter in named if parameter not in given]
    for argument in arguments:
        if argument in given:
            known = ", ".join(given)
            raise UserError(f"model.arguments: must not name {known}, which are decided already, found {argument}")
        if argument not in own and not takes_any:
            raise UserError(f"model.arguments: {name} takes {', '.join(own) or 'none'}, found {argument}")
    missing = [p for p in own if named[p].default is inspect.Parameter.empty and p not in arguments]
    if missing:
        raise UserError(f"model.arguments: {name} needs {', '.join(missing)}, found {', '.join(arguments) or 'none'}")
    passed = {key: value for key, value in given.items() if key in named or key == "num_classes"}
    return passed | arguments


def _file(module: ModuleType) -> str | None:
    """Its source file; a mere folder has none."""
    return getattr(module, "__file__", None)


def _raised(error: Exception, module: ModuleType) -> str:
    """The exception in one line, with the last line of the user's module that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _file(module)]
    return f"{told(error)} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else told(error)
