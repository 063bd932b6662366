import hashlib

import pytest
import torch

from aikd_tune.kd.randomness import generator, seeded


def test_draws_are_repeated_for_the_same_seed_purpose_and_epoch() -> None:
    first = torch.rand(5, generator=generator(3, "views", 2))
    assert torch.equal(first, torch.rand(5, generator=generator(3, "views", 2)))


@pytest.mark.parametrize(("seed", "purpose", "epoch"), [(4, "views", 2), (3, "order", 2), (3, "views", 3)])
def test_seed_purpose_and_epoch_each_change_the_draws(seed: int, purpose: str, epoch: int) -> None:
    reference = torch.rand(5, generator=generator(3, "views", 2))
    assert not torch.equal(reference, torch.rand(5, generator=generator(seed, purpose, epoch)))


def test_seed_is_the_digest_of_all_three() -> None:
    digest = hashlib.sha256(b"3/2/teacher/views").digest()
    assert generator(3, "teacher/views", 2).initial_seed() == int.from_bytes(digest[:8], "big")


def test_one_purpose_does_not_shift_another() -> None:
    order = generator(0, "order")
    critic = generator(0, "critic")
    torch.rand(100, generator=critic)
    assert torch.equal(torch.randperm(9, generator=order), torch.randperm(9, generator=generator(0, "order")))


def test_seeded_block_repeats_and_leaves_the_global_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    with seeded(1, "init"):
        first = torch.nn.Linear(3, 4).weight.detach().clone()
        torch.rand(10)
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(1, "init"):
        assert torch.equal(torch.nn.Linear(3, 4).weight, first)
    with seeded(2, "init"):
        assert not torch.equal(torch.nn.Linear(3, 4).weight, first)


def test_seeded_block_gives_the_state_back_after_an_error() -> None:
    before = torch.get_rng_state()

    def fail() -> None:
        with seeded(1, "init"):
            torch.rand(10)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert torch.equal(torch.get_rng_state(), before)
