"""Labels of mixed views against torch's own cross-entropy with probabilities as targets."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from aikd_tune.kd.targets import Targets

LOGITS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS, PARTNERS = torch.tensor([0, 1, 2, 3, 0, 1]), torch.tensor([1, 1, 0, 3, 2, 2])
SHARES = torch.tensor([1.0, 0.9, 0.5, 0.3, 0.0, 0.25], dtype=torch.float64)


def probabilities(shares: Tensor = SHARES) -> Tensor:
    own, partner = (functional.one_hot(labels, 4).double() for labels in (LABELS, PARTNERS))
    return shares[:, None] * own + (1 - shares[:, None]) * partner


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_mixed_labels_are_shares_of_two_classes(smoothing: float) -> None:
    ours, theirs = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    loss = Targets(LABELS, PARTNERS, SHARES).cross_entropy(ours, smoothing)
    expected = functional.cross_entropy(theirs, probabilities(), label_smoothing=smoothing)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_share_of_one_is_no_mixing(smoothing: float) -> None:
    mixed = Targets(LABELS, PARTNERS, torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close(mixed.cross_entropy(LOGITS, smoothing), Targets(LABELS).cross_entropy(LOGITS, smoothing))
    assert mixed.error(LOGITS) == Targets(LABELS).error(LOGITS)


def test_a_mixed_view_is_wrong_by_the_share_that_is_not_predicted() -> None:
    predicted = LOGITS.argmax(1)
    expected = 100 * (1 - probabilities()[torch.arange(6), predicted].mean())
    assert Targets(LABELS, PARTNERS, SHARES).error(LOGITS) == pytest.approx(float(expected))


def test_rows_keep_all_three_together() -> None:
    part = Targets(LABELS, PARTNERS, SHARES).rows(2, 4)
    assert part.partner_labels is not None
    assert part.share is not None
    assert (part.labels.tolist(), part.partner_labels.tolist(), part.share.tolist()) == ([2, 3], [0, 3], [0.5, 0.3])
    assert Targets(LABELS).rows(2, 4).share is None
