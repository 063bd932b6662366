"""From an image of any size to the size in which a set is stored: shorter side resized, then the centre square."""

from PIL import Image

# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where that leaves this many times the stored side for the resizing.
_DRAFT_FACTOR = 2


def fit(image: Image.Image, side: int) -> Image.Image:
    """Resize so that the shorter side has ``side`` pixels, cut the centre square.

    Pillow's bilinear filter, which averages over the area that a pixel of the result covers; the longer side is rounded
    down, an odd margin as Python's ``round`` has it: as ``Resize`` and ``CenterCrop`` of torchvision on Pillow images.
    """
    width, height = image.size
    if min(width, height) != side:
        if width <= height:
            width, height = side, int(side * height / width)
        else:
            width, height = int(side * width / height), side
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - side) / 2), round((height - side) / 2)
    return image if width == height else image.crop((left, top, left + side, top + side))


def draft(image: Image.Image, side: int) -> None:
    """Let a JPEG far larger than the stored side be decoded smaller (before its levels are read); others stay."""
    short = _DRAFT_FACTOR * side
    scale = short / min(image.size)
    if scale < 1:
        image.draft(None, (max(short, int(image.width * scale)), max(short, int(image.height * scale))))
