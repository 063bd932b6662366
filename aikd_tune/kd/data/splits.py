"""Which images train, validate and test: drawn by ``data.split_seed`` alone, never by a trial's seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aikd_tune.errors import DataError
from aikd_tune.spec.facts import DataFacts, count_of
from aikd_tune.spec.fields import Data

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Image numbers of each part; ``test`` counts in the set's own test part if it has one, else in the set."""

    train: Indices
    val: Indices
    test: Indices


def split(data: Data, facts: DataFacts) -> Split:
    """Draw test (where the set has no test part of its own), then validation, then training.

    A smaller ``data.train`` is a subset of a larger one, and changes nothing else. Raises DataError when the sizes do
    not fit the set.
    """
    order = _permutation(facts.num_images, data.split_seed)
    num_test = 0
    if facts.num_test is None:
        if data.test is None:
            raise DataError(f"data.test: {data.name} has no test split of its own and needs a count or a share")
        num_test = _count(data.test, facts, "data.test")
    elif data.test is not None:
        raise DataError(f"data.test: {data.path or data.name} has a test split of its own, found {data.test!r}")
    num_val = _count(data.val, facts, "data.val")
    left = facts.num_images - num_test - num_val
    num_train = left if data.train is None else _count(data.train, facts, "data.train")
    if not 1 <= num_train <= left:
        raise DataError(
            f"data: {facts.num_images} images must hold test, validation and at least one training image, "
            f"found test {num_test}, val {num_val}, train {num_train}"
        )
    test = order[:num_test] if facts.num_test is None else np.arange(facts.num_test, dtype=np.int64)
    val = order[num_test : num_test + num_val]
    train = order[num_test + num_val : num_test + num_val + num_train]
    return Split(train=train, val=val, test=test)


def _count(size: int | str, facts: DataFacts, path: str) -> int:
    count = count_of(size, facts.num_images)
    if count < 1:
        raise DataError(f"{path}: at least one image, found {size!r} of {facts.num_images} images")
    return count


def _permutation(num_images: int, seed: int) -> Indices:
    # The raw stream of a bit generator is stable across NumPy versions; Generator.permutation promises no such thing.
    draws = np.random.PCG64(seed).random_raw(num_images)
    return np.argsort(draws, kind="stable").astype(np.int64)
