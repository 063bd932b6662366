"""Spectral normalisation of the discriminator, with its gradient written out like the rest of it."""

import torch
from torch import Tensor
from torch.nn import functional

from aikd_tune.kd.critic_gradient import Layers

_FIRST_ITERATIONS = 15
_TINY = 1e-12


class SpectralNorm:
    """Layers whose weights are those of ``layers`` divided by an estimate of their largest singular value.

    The estimate is sigma = u^T W v, where ``iterate`` moves u and v towards the singular vectors by one step of the
    power method, as ``torch.nn.utils.parametrizations.spectral_norm`` does in every training forward. Biases are left
    alone. v starts at random, and u follows from it.
    """

    def __init__(self, layers: Layers, generator: torch.Generator) -> None:
        self._layers = layers
        like, widths = layers.matrices[0], layers.widths
        drawn = [torch.randn(width, generator=generator) for width in widths[:-1]]
        self._v = torch.cat([functional.normalize(v, dim=0, eps=_TINY) for v in drawn]).to(like)
        self._u = like.new_zeros(sum(widths[1:]))
        self._v_of_layer = torch.split(self._v, list(widths[:-1]))
        self._u_of_layer = torch.split(self._u, list(widths[1:]))
        self._sigmas = like.new_zeros(len(layers.matrices))
        self.normalised = Layers(like.new_zeros(sum(matrix.numel() for matrix in layers.matrices)), widths)
        for _ in range(_FIRST_ITERATIONS):
            self.iterate()
        self.normalise()

    def iterate(self) -> None:
        """One step of the power method in every layer."""
        weights = zip(self._layers.weights, self._layers.transposed, strict=True)
        for (weight, transposed), u, v in zip(weights, self._u_of_layer, self._v_of_layer, strict=True):
            functional.normalize(torch.mv(transposed, v), dim=0, eps=_TINY, out=u)
            functional.normalize(torch.mv(weight, u), dim=0, eps=_TINY, out=v)

    def normalise(self) -> None:
        """Bring ``normalised`` up to date with ``layers``, u and v."""
        for layer, (u, v) in enumerate(zip(self._u_of_layer, self._v_of_layer, strict=True)):
            weight = self._layers.weights[layer]
            self._sigmas[layer] = torch.dot(v, torch.mv(weight, u))
            torch.div(weight, self._sigmas[layer], out=self.normalised.weights[layer])
            self.normalised.biases[layer].copy_(self._layers.biases[layer])

    def pull_back(self, gradient: Layers) -> None:
        """Turn the derivative by ``normalised`` into that by ``layers``, in place, u and v being constants.

        With G the derivative by W / sigma it is (G - <G, W / sigma> u v^T) / sigma, as sigma's own is u v^T.
        """
        for layer, (u, v) in enumerate(zip(self._u_of_layer, self._v_of_layer, strict=True)):
            by_weight = gradient.weights[layer]
            share = torch.dot(by_weight.flatten(), self.normalised.weights[layer].flatten())
            by_weight.sub_(torch.outer(v, share * u)).div_(self._sigmas[layer])

    def memory(self) -> dict[str, Tensor]:
        """What the next step depends on beside the layers; after writing into it, ``normalise``."""
        return {"spectral_u": self._u, "spectral_v": self._v}
