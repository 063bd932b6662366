"""Where a trial computes: the device, its kind, its threads and the memory that it took."""

import resource
import sys

import torch
from torch import nn

from aikd_tune.errors import UsageError

_GIB = 1024**3
_RU_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def device_name() -> str:
    """``cuda`` where there is one, else ``cpu``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def usable_device(named: str | None) -> str:
    """The device that a user named, or the usual one; raises UsageError where it is not there."""
    if named is None:
        return device_name()
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    devices += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if named not in devices:
        raise UsageError(f"--device: must be {', '.join(devices)} on this machine, found {named}")
    return named


def device_kind(device: str) -> str:
    """Name of the kind of device, part of teacher keys: equal kinds give equal bits.

    A CPU is named with its widest vector instructions, because they decide the order of sums.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu {torch.backends.cpu.get_cpu_capability()}"


def to_device(network: nn.Module, device: str, channels_last: bool = True) -> nn.Module:
    """``network`` on ``device``, its weights laid out channels last or as they are.

    On a CPU channels last takes a small network on small images from 1 to 0.7 in training and to 0.5 in evaluation,
    and a ResNet-18 of width 64 from 1 to 0.9 in evaluation.
    """
    network = network.to(device)
    return network.to(memory_format=torch.channels_last) if channels_last else network


def prepare(device: str, threads: int) -> None:
    """Set the process up for trials on ``device`` with ``threads`` CPU threads; repeatable algorithms on a GPU."""
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    if torch.device(device).type == "cuda":
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_gib(device: str) -> float:
    """Most memory in use, GiB: tensors since ``prepare`` on a GPU, the whole process since its start on a CPU."""
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(device) / _GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RU_MAXRSS_BYTES / _GIB
