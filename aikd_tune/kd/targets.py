"""What the labels of a training view are: one class, or two where Mixup or CutMix made the view of two images."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from aikd_tune.kd.losses import cross_entropy


class Targets(NamedTuple):
    """Labels (B,); in mixed views the partner's labels (B,) too, and the share (B,) that the first ones count."""

    labels: Tensor
    partner_labels: Tensor | None = None
    share: Tensor | None = None

    def rows(self, start: int, end: int) -> "Targets":
        """Those of some views in a row."""
        if self.partner_labels is None or self.share is None:
            return Targets(self.labels[start:end])
        return Targets(self.labels[start:end], self.partner_labels[start:end], self.share[start:end])

    def cross_entropy(self, logits: Tensor, smoothing: float) -> Tensor:
        """Batch mean in nats: share CE(z, label) + (1 - share) CE(z, partner's label); smoothing in torch's form."""
        if self.partner_labels is None or self.share is None:
            return cross_entropy(logits, self.labels, smoothing)
        log_p = logits.log_softmax(1)
        own, partner = (
            functional.nll_loss(log_p, labels, reduction="none") for labels in (self.labels, self.partner_labels)
        )
        hard = (self.share * own + (1.0 - self.share) * partner).mean()
        return hard if smoothing == 0 else torch.lerp(hard, -log_p.mean(), smoothing)

    def error(self, logits: Tensor) -> float:
        """Top-1 error in percent; a mixed view is right by the share of the class that is predicted."""
        predicted = logits.argmax(1)
        wrong = (predicted != self.labels).double()
        if self.partner_labels is not None and self.share is not None:
            wrong = self.share * wrong + (1.0 - self.share) * (predicted != self.partner_labels).double()
        return 100.0 * float(wrong.mean())
