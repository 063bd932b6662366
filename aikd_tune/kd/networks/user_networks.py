"""A network of the user's own: a function or class that a study file names as ``package.module:function``."""

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path

from torch import nn

from aikd_tune.errors import UserError
from aikd_tune.kd.networks.arguments import Argument, parse
from aikd_tune.kd.networks.first_forward import require_logits, told
from aikd_tune.kd.own_code import load_function
from aikd_tune.spec.fields import Model
from aikd_tune.spec.own_code import require_source, source_file


def user_network(model: Model, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """What ``model.name`` returns for ``num_classes``, and ``in_channels`` and ``image_size`` where it takes them.

    ``image_size`` is the side in pixels, or (H, W) of images that are not square; ``model.arguments`` are passed by
    name. The function is to draw from torch's global generator alone, which the caller seeds, and may build anything
    that turns images (n, C, H, W) into logits (n, num_classes). Raises UserError for everything that fails.
    """
    name, arguments = model.name, parse(model.arguments)
    builder = _function(model)
    channels, height, width = image_shape
    given: dict[str, object] = {
        "num_classes": num_classes,
        "in_channels": channels,
        "image_size": height if height == width else (height, width),
    }
    passed = _checked(name, builder, arguments, given)
    try:
        network = builder(**passed)
    except (Exception, SystemExit) as error:  # it is the user's: it may raise anything
        raise UserError(
            f"model.name: {name} must return a network, found {_raised(error, str(source_file(name)))}"
        ) from error
    if not isinstance(network, nn.Module):
        raise UserError(f"model.name: {name} must return a torch.nn.Module, found {type(network).__name__}")
    require_logits(network, name, image_shape, num_classes)
    kinds = sorted({str(parameter.dtype).removeprefix("torch.") for parameter in network.parameters()})
    if kinds != ["float32"]:
        raise UserError(f"model.name: {name} must have float32 parameters, found {', '.join(kinds) or 'none'}")
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UserError(f"model.name: {name} must have parameters to train, found all of them frozen")
    return network


def _function(model: Model) -> Callable[..., object]:
    try:
        require_source(model.name, model.source_sha256)
        return load_function(model.name)
    except UserError as error:
        raise UserError(f"model.name: {error}") from error


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


def _raised(error: BaseException, file: str) -> str:
    """The exception in one line, with the last line of the user's file that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{told(error)} ({Path(file).name}:{frames[-1].lineno})" if frames else told(error)
