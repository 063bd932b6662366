import numpy as np
import pytest
from sklearn.datasets import load_digits

from aikd_tune.errors import DataError
from aikd_tune.kd.data import digits
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.data.load import load
from aikd_tune.spec.fields import Data

DIGITS = Data(name="digits", test=900)


def test_holds_scikit_learns_scans_and_labels_as_they_are() -> None:
    loaded = load(DIGITS)
    bundled = load_digits()
    np.testing.assert_array_equal(loaded.images[:, 0], bundled.images)
    np.testing.assert_array_equal(loaded.labels, bundled.target)
    assert loaded.images.dtype == np.uint8
    assert loaded.labels.dtype == np.int64
    assert loaded.test_images is None
    assert loaded.test_labels is None


def test_facts_known_beforehand_are_those_of_the_decoded_set() -> None:
    loaded = load(DIGITS)
    facts = describe(DIGITS)
    assert loaded.facts == facts
    assert (facts.num_images, *facts.image_shape) == loaded.images.shape
    assert facts.num_classes == len(np.unique(loaded.labels)) == len(facts.class_names)


def test_digits_are_stored_as_they_are() -> None:
    assert describe(Data(stored_size=8)) == digits.FACTS
    for read in (describe, load):
        with pytest.raises(DataError, match=r"^data\.stored_size: digits are stored as they are, 8x8, found 16$"):
            read(Data(stored_size=16))


def test_other_scans_than_the_known_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "_FINGERPRINT", "0" * 64)
    with pytest.raises(DataError, match="digits: scikit-learn's bundled scans must have SHA-256 0000"):
        load(DIGITS)
