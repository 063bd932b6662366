"""torch.compile, so that what a trial computes does not depend on what its process compiled before."""

import torch
from torch import nn

_MANY = 10_000


def compile_network(network: nn.Module) -> None:
    """Compile a network in place, for exactly the shapes that it will see.

    Left to itself, a second batch size makes the next trial's shapes symbolic, which sums in another order, and the
    ninth shape of a process is not compiled at all.
    """
    config = torch._dynamo.config
    config.automatic_dynamic_shapes = False
    config.recompile_limit = config.accumulated_recompile_limit = _MANY
    network.compile(dynamic=False)
