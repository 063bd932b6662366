import numpy as np
import pytest

from aikd_tune.errors import DataError
from aikd_tune.kd.data.normalisation import COLOUR, DIGITS, GREY, IMAGENET, Normalisation, normalisation
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data


def facts(*shape: int) -> DataFacts:
    channels, height, width = shape
    return DataFacts(10, None, 2, (channels, height, width), "", ("a", "b"))


@pytest.mark.parametrize(
    ("name", "shape", "size", "expected"),
    [
        ("digits", (1, 8, 8), None, DIGITS),
        ("digits", (1, 8, 8), 224, DIGITS),
        ("MNIST", (1, 28, 28), None, GREY),
        ("CIFAR100", (3, 32, 32), None, COLOUR),
        ("SVHN", (3, 64, 64), None, COLOUR),
        ("STL10", (3, 96, 96), None, IMAGENET),
        ("STL10", (3, 96, 96), 64, COLOUR),
        ("parquet_images", (3, 32, 32), 65, IMAGENET),
        ("parquet_images", (3, 64, 300), None, COLOUR),
        ("image_folder", (3, 256, 256), 224, IMAGENET),
        ("image_folder", (1, 256, 256), 224, GREY),
        ("package.sets:build", (3, 65, 65), None, IMAGENET),
    ],
)
def test_defaults(name: str, shape: tuple[int, int, int], size: int | None, expected: Normalisation) -> None:
    assert normalisation(Data(name=name, size=size), facts(*shape)) == expected  # type: ignore[arg-type]


def test_the_field_goes_before_the_defaults() -> None:
    tiny = facts(3, 64, 64)
    assert normalisation(Data(name="image_folder", size=32, normalization="imagenet"), tiny) == IMAGENET
    assert normalisation(Data(name="image_folder", size=224, normalization="cifar"), tiny) == COLOUR
    half = normalisation(Data(name="image_folder", normalization="half"), tiny)
    levels = np.array([0, 255])[:, None]
    np.testing.assert_allclose((levels / half.maximum - half.mean) / half.std, [[-1] * 3, [1] * 3])
    of_digits = normalisation(Data(normalization="half"), facts(1, 8, 8))
    np.testing.assert_allclose(
        (np.array([[0], [16]]) / of_digits.maximum - of_digits.mean) / of_digits.std, [[-1], [1]]
    )


def test_constants_that_are_published() -> None:
    assert (IMAGENET.mean, IMAGENET.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert (COLOUR.mean, COLOUR.std) == ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))


@pytest.mark.parametrize(
    ("data", "shape", "line"),
    [
        (Data(name="MNIST", normalization="cifar"), (1, 28, 28), "cifar is for images of 3 channels, found 1"),
        (Data(normalization="imagenet"), (1, 8, 8), "imagenet is for images of 3 channels, found 1"),
        (Data(name="MNIST", normalization="digits"), (1, 28, 28), "digits is for the set digits alone, found MNIST"),
    ],
)
def test_what_does_not_fit(data: Data, shape: tuple[int, int, int], line: str) -> None:
    with pytest.raises(DataError) as caught:
        normalisation(data, facts(*shape))
    assert str(caught.value) == f"data.normalization: {line}"
