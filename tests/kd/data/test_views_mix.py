import math
from collections.abc import Iterator

import pytest
import torch
from placed_levels import draws_of, epoch_views, levels, recipe, whole
from scipy import stats
from torchvision.transforms import v2

from aikd_tune.kd.data.normalisation import COLOUR
from aikd_tune.kd.data.views.mix import draw_mix
from aikd_tune.kd.randomness import generator

IMAGES = levels(40, (3, 16, 20))
BASE = {"shift": 3, "flip": True, "rotation": 20.0}
VIEWS = whole(epoch_views(IMAGES, recipe(**BASE), COLOUR))


def test_mixup_blends_views_of_one_epoch_by_the_share_of_their_labels() -> None:
    source = epoch_views(IMAGES, recipe(**BASE, mixup=0.5), COLOUR)
    assert source.mixed is not None
    partner, share = source.mixed
    assert partner.dtype == torch.int64
    assert share.dtype == torch.float32
    assert sorted(partner.tolist()) == list(range(40))
    for i, view in enumerate(whole(source)):
        # torchvision mixes each image with the one before it in a batch
        batch = torch.stack([VIEWS[partner[i]], VIEWS[i]])
        mixup = v2.MixUp(num_classes=2)
        expected = mixup.transform(batch, {"lam": float(share[i]), "labels": None, "batch_size": 2})[1]
        torch.testing.assert_close(view, expected, rtol=1e-6, atol=1e-6)
    assert 0.05 < float(share.std()) < 0.5


class GivenDraws:
    """Stands in for torch.randint and a Beta distribution where torchvision draws its rectangle."""

    def __init__(self, share: float, centre: list[int]) -> None:
        self._share, self._centre = share, iter(centre)

    def sample(self, _: tuple[int, ...]) -> torch.Tensor:
        return torch.tensor([self._share], dtype=torch.float64)

    def __call__(self, high: int, size: tuple[int, ...]) -> torch.Tensor:
        return torch.tensor([next(self._centre)])


def test_cutmix_pastes_the_rectangle_of_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    source = epoch_views(IMAGES, recipe(**BASE, cutmix=0.8), COLOUR, draws=draws_of())
    assert source.mixed is not None
    views = whole(source)
    drawn = generator(0, "views/mix", 1)
    partner = torch.randperm(40, generator=drawn)
    uniform = torch.rand((2, 40), dtype=torch.float64, generator=drawn)[0]
    rows = torch.randint(0, 16, (40,), generator=drawn).tolist()
    columns = torch.randint(0, 20, (40,), generator=drawn).tolist()
    shares = stats.beta(0.8, 0.8).ppf(uniform.numpy())
    assert torch.equal(source.mixed.partner, partner)
    for i in range(40):
        cutmix = v2.CutMix(num_classes=2)
        draws = GivenDraws(float(shares[i]), [columns[i], rows[i]])
        cutmix._dist = draws
        with monkeypatch.context() as patch:
            patch.setattr(torch, "randint", draws)
            chosen = cutmix.make_params([VIEWS])
        assert float(source.mixed.share[i]) == pytest.approx(chosen["lam_adjusted"], abs=1e-6)
        batch = torch.stack([VIEWS[partner[i]], VIEWS[i]])
        expected = cutmix.transform(batch, {**chosen, "labels": None, "batch_size": 2})[1]
        assert torch.equal(views[i], expected)
        kept = (views[i] == VIEWS[i]).all(0).double().mean()
        assert float(source.mixed.share[i]) <= float(kept) + 1e-6


def test_with_both_on_each_image_gets_one_of_them_with_probability_half() -> None:
    num_images = 20_000
    both, mixup, cutmix = (
        draw_mix(num_images, 16, 20, *alphas, generator(0, "test")) for alphas in ((0.4, 0.8), (0.4, 0.0), (0.0, 0.8))
    )
    drawn = generator(0, "test")
    torch.randperm(num_images, generator=drawn)
    pasted = torch.rand((2, num_images), dtype=torch.float64, generator=drawn)[1] < 0.5
    # Binomial(20000, 1/2): standard deviation 71
    assert abs(int(pasted.sum()) - num_images / 2) < 5 * 71
    assert (both.blend[pasted] == 1).all()
    assert torch.equal(both.share[pasted], cutmix.share[pasted])
    assert torch.equal(both.box[pasted], cutmix.box[pasted])
    assert torch.equal(both.share[~pasted], mixup.share[~pasted])
    assert torch.equal(both.blend[~pasted], mixup.share[~pasted])
    assert not both.box[~pasted].any()
    assert not mixup.box.any()
    assert (cutmix.blend == 1).all()
    assert torch.equal(both.partner, mixup.partner)
    assert torch.equal(both.partner, cutmix.partner)


@pytest.mark.parametrize("alpha", [0.4, 1.0, 8.0])
def test_shares_follow_a_beta_distribution(alpha: float) -> None:
    share = draw_mix(5000, 8, 8, alpha, 0.0, generator(3, "test")).share.double()
    assert ((share >= 0) & (share <= 1)).all()
    assert stats.kstest(share.numpy(), stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    error = 5 * math.sqrt(1 / (4 * (2 * alpha + 1)) / 5000)
    assert float(share.mean()) == pytest.approx(0.5, abs=error)


@pytest.mark.parametrize("alpha", [1e-4, 1e-2, 500.0])
def test_extreme_shapes_give_finite_shares(alpha: float) -> None:
    for alphas in ((alpha, 0.0), (0.0, alpha), (alpha, alpha)):
        drawn = draw_mix(2000, 8, 8, *alphas, generator(3, "test"))
        assert ((drawn.share >= 0) & (drawn.share <= 1)).all()
        assert ((drawn.blend >= 0) & (drawn.blend <= 1)).all()


def test_rectangles_are_centred_anywhere_and_clipped() -> None:
    top, bottom, left, right = draw_mix(20_000, 16, 20, 0.0, 1.0, generator(1, "test")).box.T
    assert (top >= 0).all()
    assert (bottom <= 16).all()
    assert (left >= 0).all()
    assert (right <= 20).all()
    assert (top <= bottom).all()
    assert (left <= right).all()
    assert (top == 0).any()
    assert (bottom == 16).any()


def reference_area(height: int, width: int) -> Iterator[float]:
    """The mean share that stays with alpha 1, from a sum over all centres and 2,000 shares."""
    for step in range(2000):
        half = 0.5 * math.sqrt(1 - (step + 0.5) / 2000)
        high, wide = int(half * height), int(half * width)
        rows = sum(min(row + high, height) - max(row - high, 0) for row in range(height)) / height
        columns = sum(min(column + wide, width) - max(column - wide, 0) for column in range(width)) / width
        yield 1 - rows * columns / (height * width)


def test_labels_count_what_is_left_of_the_image_after_clipping() -> None:
    share = draw_mix(40_000, 16, 20, 0.0, 1.0, generator(1, "test")).share.double()
    expected = sum(reference_area(16, 20)) / 2000
    assert float(share.mean()) == pytest.approx(expected, abs=5 * float(share.std()) / 200)


def test_nothing_is_mixed_where_both_are_off() -> None:
    assert epoch_views(IMAGES, recipe(**BASE), COLOUR).mixed is None
