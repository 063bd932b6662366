"""What the discriminator sees of a network."""

import torch
from torch import Tensor

from aikd_tune.spec.fields import AdversarialTerm


def critic_input(term: AdversarialTerm, logits: Tensor, features: Tensor | None) -> Tensor:
    """Rows (B, D) for the critic from logits (B, K) or penultimate features (B, F), both float32; differentiable.

    Logits and features go as they are: the discriminator centres logits itself. Probabilities and their logarithms are
    those at ``term.temperature``. ``features`` may be None where the term does not ask for them.
    """
    if term.input == "logits":
        return logits
    if term.input == "features":
        assert features is not None
        return features
    scaled = logits / term.temperature
    return torch.log_softmax(scaled, dim=1) if term.input == "log_probabilities" else torch.softmax(scaled, dim=1)


def num_inputs(term: AdversarialTerm, num_classes: int, num_features: int) -> int:
    """D, the width of ``critic_input``'s rows; ``num_features`` is only read where the term asks for features."""
    return num_features if term.input == "features" else num_classes
