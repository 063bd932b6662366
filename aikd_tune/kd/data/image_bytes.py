"""One encoded image to uint8 (C, H, W)."""

from io import BytesIO

import numpy as np
from PIL import Image

from aikd_tune.errors import DataError
from aikd_tune.kd.data.decoded import Images

# Formats that Pillow decodes by itself (EPS, for one, would start another program).
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
_GREY_MODES = ("1", "L")
_COLOUR_MODES = ("RGB", "P", "RGBA", "CMYK")


def shape_of(content: bytes | None, where: str) -> tuple[int, int, int]:
    """(C, H, W) of an image: one channel if it is grey, else three."""
    with _opened(content, where) as image:
        return (1 if image.mode in _GREY_MODES else 3, image.height, image.width)


def decode_image(content: bytes | None, shape: tuple[int, int, int], where: str) -> Images:
    """Levels of an image as uint8 of ``shape`` (C, H, W); ``where`` names it in a DataError.

    A grey image in a colour set is repeated over three channels, transparency is dropped, palettes are looked up.
    """
    with _opened(content, where) as image:
        channels, height, width = shape
        if (image.height, image.width) != (height, width):
            raise DataError(
                f"{where}: all images must have the size of the first ({width}x{height}), "
                f"found {image.width}x{image.height}"
            )
        if channels == 1 and image.mode not in _GREY_MODES:
            raise DataError(f"{where}: all images must be grey as the first is, found mode {image.mode}")
        mode = "L" if channels == 1 else "RGB"
        try:
            levels = np.asarray(image if image.mode == mode else image.convert(mode))
        except Exception as error:  # Pillow's decoders raise errors of many kinds on broken bytes
            raise DataError(f"{where}: must be a whole image, found: {error}") from error
    return levels.reshape(height, width, channels).transpose(2, 0, 1)


def _opened(content: bytes | None, where: str) -> Image.Image:
    if content is None:
        raise DataError(f"{where}: the image's bytes must be in the file, found none")
    try:
        image = Image.open(BytesIO(content), formats=_FORMATS)
    except Exception as error:  # what is no image makes Pillow's format readers raise errors of many kinds too
        raise DataError(
            f"{where}: must be an image ({', '.join(_FORMATS)}), found {len(content)} bytes of none"
        ) from error
    if image.mode not in _GREY_MODES + _COLOUR_MODES:
        raise DataError(f"{where}: must be grey or colour with 8 bits a channel, found mode {image.mode}")
    return image
