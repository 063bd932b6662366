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

    Purposes: "init", "order", "views", "critic-init", "critic"; phase 1 prefixes them with "teacher/".
    """
    return torch.Generator().manual_seed(_seed_of(seed, purpose, epoch))


@contextmanager
def seeded(seed: int, purpose: str) -> Iterator[None]:
    """Seed torch's global CPU generator inside the block, and give it its former state back afterwards.

    For code that takes no generator, such as the initialisation of ``torch.nn`` layers. CUDA's generators are not
    touched: networks are initialised on the CPU, so that they start alike on every device.
    """
    # default_generator, not torch.manual_seed: that one would reseed CUDA's generators too, and not restore them
    state = torch.default_generator.get_state()
    torch.default_generator.manual_seed(_seed_of(seed, purpose, 0))
    try:
        yield
    finally:
        torch.default_generator.set_state(state)
