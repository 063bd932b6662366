"""Images as networks see them: raw levels from a shared memory map, views of each epoch, images for evaluation.

Whoever trains or evaluates sees an ``ImageSource`` and asks it for rows; what is drawn for an epoch depends on the
generators, the number of images and the recipe alone, so that one (seed, epoch) gives the same views to every trial,
on every device and in every order of asking.
"""

from aikd_tune.kd.data.views.epoch import EpochViews, Mixed
from aikd_tune.kd.data.views.evaluation import EvaluationImages
from aikd_tune.kd.data.views.pixels import Pixels
from aikd_tune.kd.data.views.source import ImageSource, TensorImages

__all__ = ["EpochViews", "EvaluationImages", "ImageSource", "Mixed", "Pixels", "TensorImages"]
