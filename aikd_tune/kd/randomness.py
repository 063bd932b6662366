"""Every use of randomness has a generator of its own, so that adding a term never shifts another's draws."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def _seed_of(seed: int, purpose: str, epoch: int) -> int:
    digest = hashlib.sha256(f"{seed}/{epoch}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def generator(seed: int, purpose: str, epoch: int = 0) -> torch.Generator:
    """A CPU generator seeded by the SHA-256 of (seed, purpose, epoch); the device never changes what is drawn.

    Purposes: "init", "order", "views" and those of its parts, "critic-init", "critic", "dropout"; phase 1 prefixes
    them with "teacher/".
    """
    return torch.Generator().manual_seed(_seed_of(seed, purpose, epoch))


@contextmanager
def seeded(seed: int, purpose: str, epoch: int = 0, device: str = "cpu") -> Iterator[None]:
    """Seed torch's global generator inside the block, and give it its former state back afterwards.

    For code that takes no generator: the initialisation of ``torch.nn`` layers, dropout. A CUDA device's generator is
    seeded only if it is named: networks are initialised on the CPU, so that they start alike on every device.
    """
    # default_generator, not torch.manual_seed: that one would reseed CUDA's generators too, and not restore them
    state = torch.default_generator.get_state()
    cuda = torch.device(device).type == "cuda"
    cuda_state = torch.cuda.get_rng_state(device) if cuda else None
    torch.default_generator.manual_seed(_seed_of(seed, purpose, epoch))
    if cuda:
        with torch.cuda.device(device):
            torch.cuda.manual_seed(_seed_of(seed, purpose, epoch))
    try:
        yield
    finally:
        torch.default_generator.set_state(state)
        if cuda_state is not None:
            torch.cuda.set_rng_state(cuda_state, device)
