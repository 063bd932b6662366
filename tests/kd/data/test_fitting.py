import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import functional as tv

from aikd_tune.kd.data.fitting import fit

SIDES = st.integers(1, 40)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(width=SIDES, height=SIDES, side=SIDES, mode=st.sampled_from(["L", "RGB"]))
def test_any_size_is_fitted_as_torchvision_does(width: int, height: int, side: int, mode: str) -> None:
    levels = np.random.default_rng(width * 41 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(levels).convert(mode)
    fitted = fit(image, side)
    assert fitted.size == (side, side)
    np.testing.assert_array_equal(np.asarray(fitted), np.asarray(tv.center_crop(tv.resize(image, side), side)))
