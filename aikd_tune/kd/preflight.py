"""What can be known of a study's networks before any training: each is built once, and a given teacher is loaded."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn

import aikd_tune
from aikd_tune.errors import UserError
from aikd_tune.kd.given_teacher import load_weights, read_weights
from aikd_tune.kd.networks import Penultimate, build
from aikd_tune.kd.own_code import described
from aikd_tune.kd.randomness import seeded
from aikd_tune.spec.catalogue import is_own_code
from aikd_tune.spec.facts import DataFacts, input_shape
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.study import Study
from aikd_tune.spec.teachers import may_need_teacher, network_alternatives, sees_features

_PACKAGE = Path(aikd_tune.__file__).parent


def check_networks(study: Study, facts: DataFacts) -> None:
    """Raise UserError for a network that cannot be built, lacks features that are asked for, or is not the teacher's.

    Of searched fields of ``model`` every option and both ends of a range are tried.
    """
    for setting in network_alternatives(study):
        network = _built(setting, facts)
        if sees_features(study):
            Penultimate(network)
    path = study.base.teacher.file
    if path is not None and may_need_teacher(study):
        load_weights(_built(study.base, facts), read_weights(path, study.base.teacher.sha256), path)


def _built(setting: Setting, facts: DataFacts) -> nn.Module:
    with seeded(0, "check"):
        return build(setting.model, input_shape(setting.data.size, facts), facts.num_classes)


@contextmanager
def own_errors(setting: Setting) -> Iterator[None]:
    """Inside, whatever a network of the user's own raises becomes a UserError of one line, with file and line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # their forward, hooks and backward may raise anything, wherever they are called
        if not is_own_code(setting.model.name) or _is_ours(error):
            raise
        raise UserError(f"model.name: {setting.model.name} must train, found {described(error)}") from error


def _is_ours(error: Exception) -> bool:
    """Whether a line of this package raised it: a fault of the program, not of the user's network."""
    raised_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    return raised_in.is_relative_to(_PACKAGE)
