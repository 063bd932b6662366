"""What is inside a network, whatever it is."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def num_parameters(network: nn.Module) -> int:
    """How many numbers the optimiser trains."""
    return sum(parameter.numel() for parameter in network.parameters())


def batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """The layers of any dimension that keep running statistics, in the order of the network."""
    return [
        module for module in network.modules() if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]
