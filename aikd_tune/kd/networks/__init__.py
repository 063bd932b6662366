"""The networks of both phases: the project's own, torchvision's and the user's; ``build`` makes one by its name."""

from aikd_tune.kd.networks.by_name import build
from aikd_tune.kd.networks.contents import batch_norms, num_parameters
from aikd_tune.kd.networks.penultimate import Penultimate

__all__ = ["Penultimate", "batch_norms", "build", "num_parameters"]
