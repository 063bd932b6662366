"""One encoded image to uint8 (C, H, W): upright, grey or colour as the set is, in the set's size."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from aikd_tune.errors import DataError
from aikd_tune.kd.data.decoded import Images
from aikd_tune.kd.data.fitting import draft, fit
from aikd_tune.kd.data.storage import Storage

# Formats that Pillow decodes by itself (EPS, for one, would start another program).
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
_GREY_MODES = ("1", "L", "LA")
_COLOUR_MODES = ("RGB", "P", "RGBA", "CMYK")

_LONGEST_STRIP = 100  # sides of an image to be resized, longer to shorter: its resized form must fit into memory

_ORIENTATION = 0x0112  # the EXIF tag of what a camera was turned by
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Content = bytes | Path | None


@contextmanager
def quiet_decoder() -> Iterator[None]:
    """Keep Pillow's warnings from users (broken notes of cameras, very large images); not for one thread alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


@dataclass(frozen=True)
class Form:
    """What all decoded images of a set have in common."""

    shape: tuple[int, int, int]  # (C, H, W)
    storage: Storage
    first: str  # the image that gave the shape
    first_pixels: int  # in it as it is kept, from which the work on each image is guessed


def form_of(content: Content, storage: Storage, where: str) -> Form:
    """The form that the first image gives its set where ``storage`` leaves it open: grey or colour, and its size."""
    with _opened(content, where) as image:
        width, height = _upright_size(image)
        is_grey = image.mode in _GREY_MODES if storage.mode is None else storage.mode == "grey"
    size = (height, width) if storage.size is None else (storage.size, storage.size)
    return Form((1 if is_grey else 3, *size), storage, where, width * height)


def decode_image(content: Content, form: Form, where: str) -> Images:
    """Levels of an image as uint8 of ``form.shape`` (C, H, W); ``where`` names it in a DataError.

    The camera's orientation (EXIF) is applied, transparency dropped, palettes are looked up.
    """
    channels, height, width = form.shape
    with _opened(content, where) as image:
        _check_mode(image, form, where)
        if form.storage.size is None:
            _check_size(image, form, where)
        else:
            _check_strip(image, where)
            draft(image, form.storage.size)
        transpose = _UPRIGHT.get(_orientation(image))
        try:
            levels = image.convert("L" if channels == 1 else "RGB")
        except Exception as error:  # Pillow's decoders raise errors of many kinds on broken bytes
            raise DataError(f"{where}: must be a whole image, found: {error}") from error
    if transpose is not None:
        levels = levels.transpose(transpose)
    if form.storage.size is not None:
        levels = fit(levels, form.storage.size)
    return np.asarray(levels).reshape(height, width, channels).transpose(2, 0, 1)


def _opened(content: Content, where: str) -> Image.Image:
    if content is None:
        raise DataError(f"{where}: the image's bytes must be in the file, found none")
    if isinstance(content, Path):
        try:
            content = content.read_bytes()
        except OSError as error:
            raise DataError(f"{where}: must be readable, found: {error.strerror}") from error
    try:
        image = Image.open(BytesIO(content), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise DataError(f"{where}: must be an image of ordinary size, found: {error}") from error
    except Exception as error:  # what is no image makes Pillow's format readers raise errors of many kinds too
        raise DataError(
            f"{where}: must be an image ({', '.join(_FORMATS)}), found {len(content)} bytes of none"
        ) from error
    if image.mode not in _GREY_MODES + _COLOUR_MODES:
        raise DataError(f"{where}: must be grey or colour with 8 bits a channel, found mode {image.mode}")
    return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken notes of a camera; the image itself may be whole
        return 1


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if _orientation(image) >= 5 else (width, height)


def _check_mode(image: Image.Image, form: Form, where: str) -> None:
    if form.storage.mode is not None:
        return
    is_grey = image.mode in _GREY_MODES
    if form.shape[0] == 1 and not is_grey:
        rule = f"all images must be grey as the first is ({form.first}) unless data.mode is set"
        raise DataError(f"{where}: {rule}, found mode {image.mode}")
    if form.shape[0] == 3 and is_grey:
        rule = f"all images must be in colour as the first is ({form.first}) unless data.mode is rgb"
        raise DataError(f"{where}: {rule}, found a grey one (mode {image.mode})")


def _check_size(image: Image.Image, form: Form, where: str) -> None:
    _, height, width = form.shape
    found = _upright_size(image)
    if found != (width, height):
        raise DataError(
            f"{where}: all images must have the size of the first ({width}x{height}, {form.first}) unless they are "
            f"resized and cropped (data: {{stored_size: {min(width, height, *found)}}}), found {found[0]}x{found[1]}"
        )


def _check_strip(image: Image.Image, where: str) -> None:
    if max(image.size) > _LONGEST_STRIP * min(image.size):
        rule = f"must be at most {_LONGEST_STRIP} times as long as wide to be resized and cropped"
        raise DataError(f"{where}: {rule}, found {image.width}x{image.height}")
