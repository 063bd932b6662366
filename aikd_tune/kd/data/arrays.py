"""Parts that are arrays of images in memory, or mapped into it, on their way into the cache."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from aikd_tune.kd.data.blocks import images_a_block
from aikd_tune.kd.data.decoded import Images
from aikd_tune.kd.data.fitting import fit


def stored_shape(shape: tuple[int, int, int], stored_size: int | None) -> tuple[int, int, int]:
    """(C, H, W) of images of ``shape`` once they are stored."""
    return shape if stored_size is None else (shape[0], stored_size, stored_size)


def array_blocks(images: Images, stored_size: int | None) -> Iterator[Images]:
    """Blocks of images (n, C, H, W), C 1 or 3, resized and cropped where a size is set."""
    shape = images.shape[1:]
    size = images_a_block((shape[0], shape[1], shape[2]))
    for start in range(0, len(images), size):
        block = np.ascontiguousarray(images[start : start + size])
        yield block if stored_size is None else np.stack([_fitted(levels, stored_size) for levels in block])


def _fitted(levels: Images, side: int) -> Images:
    if levels.shape[1:] == (side, side):
        return levels
    rows = levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0)
    fitted = np.asarray(fit(Image.fromarray(rows), side))
    return fitted[None] if fitted.ndim == 2 else fitted.transpose(2, 0, 1)
