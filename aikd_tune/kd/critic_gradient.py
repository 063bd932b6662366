"""The gradients of the adversarial losses, written out for an MLP with LeakyReLU: no autograd graph, few operations.

Such a net is piecewise linear, so the double backward of the gradient penalty is one more chain of products with the
same slopes. All rows (teacher, student, points in between) lie in one matrix, so that they share every product, and
every intermediate result has its place, so that small nets do not pay for memory and views.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

_SLOPE = 0.2
_TINY = 1e-12


class Layers:
    """Per layer one matrix (in + 1, out), its last row the biases; all are views of one flat vector.

    Inputs first: the other way round, the product for a first layer of few inputs takes three times as long on a CPU.
    """

    def __init__(self, flat: Tensor, widths: Sequence[int]) -> None:
        self.widths = tuple(widths)
        shapes = [(num_in + 1, num_out) for num_in, num_out in pairwise(widths)]
        parts = torch.split(flat, [rows * columns for rows, columns in shapes])
        self.matrices = [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
        self.weights = [matrix[:-1] for matrix in self.matrices]
        self.transposed = [weight.t() for weight in self.weights]
        self.biases = [matrix[-1] for matrix in self.matrices]


class Rows:
    """Memory for passes over ``num_sides`` rows of teacher or student and ``num_between`` rows in between.

    What enters a layer has one column more than the layer has inputs; in the weights' gradient it collects that of the
    biases: 1 on the sides, 0 in between, where biases do not matter. ``inputs`` and ``between`` are views without it.
    """

    def __init__(self, layers: Layers, num_sides: int, num_between: int = 0) -> None:
        like = layers.matrices[0]
        num_rows = num_sides + num_between
        entering = [like.new_zeros(num_rows, width + 1) for width in layers.widths[:-1]]
        for matrix in entering:
            matrix[:num_sides, -1] = 1.0
        if num_between:
            # the penalised loss is a difference, which D's last bias leaves as it is: a gradient that is only rounding
            # would still be a full step of Adam
            entering[-1][:, -1] = 0.0
        self.entering_transposed = [matrix.t() for matrix in entering]
        self.inputs = [matrix[:, :-1] for matrix in entering]
        self.sides = self.inputs[0][:num_sides]
        self.between = [matrix[num_sides:] for matrix in self.inputs]
        self.deltas = [like.new_zeros(num_rows, width) for width in layers.widths[1:-1]]
        self.delta_between = self.deltas[0][num_sides:]
        self.values = like.new_zeros(num_rows)  # D
        self.side_values = self.values[:num_sides]
        # the loss's derivative by D; rows in between enter by their input gradient, which is D's own derivative
        self.upstream = like.new_ones(num_rows)
        self.side_upstream = self.upstream[:num_sides]
        self.upstream_column = self.upstream[:, None]


def forward(layers: Layers, rows: Rows) -> None:
    """D of every row, from ``rows.inputs[0]`` to ``rows.values``."""
    for layer in range(len(rows.deltas)):
        hidden = rows.inputs[layer + 1]
        torch.addmm(layers.biases[layer], rows.inputs[layer], layers.weights[layer], out=hidden)
        functional.leaky_relu_(hidden, _SLOPE)
    torch.addmv(layers.biases[-1], rows.inputs[-1], layers.transposed[-1][0], out=rows.values)


def backward(layers: Layers, rows: Rows) -> None:
    """From ``rows.upstream``, the derivatives by what every hidden layer computes before its LeakyReLU."""
    last = rows.deltas[-1]
    torch.mul(rows.upstream_column, layers.transposed[-1], out=last)
    _times_slopes(last, rows.inputs[-1], last)
    for layer in range(len(rows.deltas) - 1, 0, -1):
        delta = rows.deltas[layer - 1]
        torch.mm(rows.deltas[layer], layers.transposed[layer], out=delta)
        _times_slopes(delta, rows.inputs[layer], delta)


def input_gradient(layers: Layers, rows: Rows) -> Tensor:
    """The derivative by ``rows.inputs[0]``, after ``backward``."""
    return rows.deltas[0] @ layers.transposed[0]


def penalise(layers: Layers, rows: Rows, weight: float) -> Tensor:
    """``weight`` times the mean of (||g|| - 1)^2 over the rows in between, g being D's input gradient there.

    g is linear in every weight: g = delta_1 W_1^T. With t_1 the penalty's derivative by g, its derivative by W_l is
    t_l^T delta_l, where t_(l+1) = slopes * (t_l W_l): t_1 sent forward through the linearised net. Here the t take the
    place of what entered the layers, so that ``collect`` finds them.
    """
    gradients = rows.delta_between @ layers.transposed[0]
    # a gradient of length 0 has no direction: below it is 0 times a finite number, as in autograd
    norms = torch.linalg.vector_norm(gradients, dim=1).clamp_min_(_TINY)
    share = weight / len(norms)
    factors = torch.rsub(norms.reciprocal(), 2.0 * share, alpha=2.0 * share)  # 2 share (norm - 1) / norm
    torch.mul(gradients, factors[:, None], out=rows.between[0])
    for layer in range(len(rows.deltas)):
        tangents = torch.mm(rows.between[layer], layers.weights[layer])
        _times_slopes(tangents, rows.between[layer + 1], rows.between[layer + 1])
    excess = norms.sub_(1.0)
    return torch.dot(excess, excess).mul_(share)


def collect(gradient: Layers, rows: Rows) -> None:
    """Write the loss's derivative by every weight and bias into ``gradient``, after ``backward``."""
    for layer, delta in enumerate(rows.deltas):
        torch.mm(rows.entering_transposed[layer], delta, out=gradient.matrices[layer])
    torch.mv(rows.entering_transposed[-1], rows.upstream, out=gradient.matrices[-1][:, 0])


def _times_slopes(gradient: Tensor, activation: Tensor, out: Tensor) -> None:
    """``gradient`` times the LeakyReLU's slopes, told from the sign of what it returned."""
    torch.ops.aten.leaky_relu_backward.grad_input(gradient, activation, _SLOPE, True, grad_input=out)
