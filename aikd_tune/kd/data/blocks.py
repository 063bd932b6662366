"""The images of a part as a stream of blocks, (n_i, C, H, W) uint8 each, so that memory stays bounded."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from math import prod
from typing import NamedTuple

import numpy as np

from aikd_tune.kd.data.decoded import Images
from aikd_tune.kd.data.image_bytes import Content, Form, decode_image
from aikd_tune.kd.data.threads import num_threads

_BLOCK_BYTES = 2**25
_IMAGES_AT_MOST = 1024  # in a block
_IMAGES_A_TASK = 16  # handing images to threads one by one costs more than decoding small ones
_SMALL_PIXELS = 80 * 80  # below it threads wait for one another (Python's lock) for longer than they work


class Encoded(NamedTuple):
    """An image as it is kept: ``where`` names it in errors."""

    where: str
    content: Content


def decoded_blocks(images: Iterable[Encoded], form: Form) -> Iterator[Images]:
    """Decode in order, larger images side by side in threads; of several that cannot be used the first is named."""
    shape, remaining = form.shape, iter(images)
    with ThreadPoolExecutor(num_threads() if form.first_pixels >= _SMALL_PIXELS else 1) as pool:
        while batch := list(islice(remaining, images_a_block(shape))):
            block = np.empty((len(batch), *shape), dtype=np.uint8)
            tasks = [slice(start, start + _IMAGES_A_TASK) for start in range(0, len(batch), _IMAGES_A_TASK)]
            pieces = [(block[task], batch[task], form) for task in tasks]
            for _ in pool.map(_decode_into, *zip(*pieces, strict=True)):
                pass
            yield block


def images_a_block(shape: tuple[int, int, int]) -> int:
    """Images of ``shape`` (C, H, W) that fit into a block, at least one."""
    return max(1, min(_IMAGES_AT_MOST, _BLOCK_BYTES // prod(shape)))


def _decode_into(block: Images, batch: list[Encoded], form: Form) -> None:
    for i, image in enumerate(batch):
        block[i] = decode_image(image.content, form, image.where)
