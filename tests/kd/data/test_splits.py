from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikd_tune.errors import DataError
from aikd_tune.kd.data.digits import FACTS as DIGITS
from aikd_tune.kd.data.splits import Split, split
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data, Views

SEEDS = st.integers(0, 2**63)
WHOLE = replace(DIGITS, num_images=60)
WITH_TEST = replace(DIGITS, num_images=60, num_test=25)
GOLDEN_TEST = [855, 921, 269, 1185, 11]
GOLDEN_VAL = [332, 115, 1561, 1339, 511]
GOLDEN_TRAIN = [1171, 730, 985, 1370, 1479]


def parts(result: Split) -> tuple[set[int], set[int], set[int]]:
    return set(result.train.tolist()), set(result.val.tolist()), set(result.test.tolist())


@given(SEEDS, st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_no_image_is_in_two_parts(seed: int, test: int, val: int, train: int) -> None:
    result = split(Data(split_seed=seed, test=test, val=val, train=train), WHOLE)
    assert (len(result.test), len(result.val), len(result.train)) == (test, val, train)
    together = np.concatenate([result.train, result.val, result.test])
    assert together.dtype == np.int64
    assert len(set(together.tolist())) == test + val + train
    assert together.min() >= 0
    assert together.max() < 60


@given(SEEDS, st.integers(1, 58))
def test_a_set_with_a_test_part_trains_and_validates_on_its_training_part(seed: int, val: int) -> None:
    data = Data(name="parquet_images", path="set", split_seed=seed, val=val)
    result = split(data, WITH_TEST)
    np.testing.assert_array_equal(result.test, np.arange(25))
    train, validation, _ = parts(result)
    assert train | validation == set(range(60))
    assert not train & validation
    assert len(validation) == val


@given(SEEDS, st.integers(1, 20), st.integers(1, 20), st.integers(1, 19))
def test_training_subsets_are_nested_and_move_nothing_else(seed: int, test: int, val: int, train: int) -> None:
    data = Data(split_seed=seed, test=test, val=val)
    all_that_remain = split(data, WHOLE)
    subset = split(data.model_copy(update={"train": train}), WHOLE)
    np.testing.assert_array_equal(subset.train, all_that_remain.train[:train])
    np.testing.assert_array_equal(subset.val, all_that_remain.val)
    np.testing.assert_array_equal(subset.test, all_that_remain.test)
    assert len(all_that_remain.train) == 60 - test - val


@given(SEEDS, st.integers(1, 20), st.integers(1, 19), st.booleans(), st.sampled_from(["a", "b/c"]))
def test_the_split_seed_and_the_sizes_decide_alone(seed: int, test: int, val: int, flip: bool, path: str) -> None:
    data = Data(split_seed=seed, test=test, val=val)
    other = Data(
        name="parquet_images", path=path, split_seed=seed, test=test, val=val + 1, views=Views(shift=3, flip=flip)
    )
    facts = replace(WHOLE, num_classes=7, image_shape=(3, 9, 9), fingerprint="f", class_names=("a",))
    np.testing.assert_array_equal(split(data, WHOLE).test, split(other, facts).test)
    np.testing.assert_array_equal(split(data, WHOLE).val, split(other, facts).val[:val])
    np.testing.assert_array_equal(split(data, WHOLE).train[1:], split(other, facts).train)


def test_another_split_seed_is_another_split() -> None:
    tests = {tuple(split(Data(split_seed=seed, test=20, val=20), WHOLE).test.tolist()) for seed in range(50)}
    assert len(tests) == 50


def test_every_image_is_tested_equally_often() -> None:
    counts = np.zeros(60)
    for seed in range(2000):
        counts[split(Data(split_seed=seed, test=30, val=1), WHOLE).test] += 1
    # Binomial(2000, 1/2): mean 1000, standard deviation 22.4
    assert np.abs(counts - 1000).max() < 5 * 22.4


def test_the_split_never_changes_between_versions() -> None:
    result = split(Data(test=900, val=500, train=300), DIGITS)
    assert result.test[:5].tolist() == GOLDEN_TEST
    assert result.val[:5].tolist() == GOLDEN_VAL
    assert result.train[:5].tolist() == GOLDEN_TRAIN


def test_shares_are_of_the_whole_set() -> None:
    result = split(Data(test="50%", val="25.5%", train="10%"), replace(DIGITS, num_images=1001))
    assert (len(result.test), len(result.val), len(result.train)) == (500, 255, 100)


@pytest.mark.parametrize(
    ("data", "facts", "line"),
    [
        (Data(), WHOLE, "data.test: digits has no test split of its own and needs a count or a share"),
        (
            Data(name="parquet_images", path="set", test=5),
            WITH_TEST,
            "data.test: set has a test split of its own, found 5",
        ),
        (Data(test="0%"), WHOLE, "data.test: at least one image, found '0%' of 60 images"),
        (Data(test=10, val="0%"), WHOLE, "data.val: at least one image, found '0%' of 60 images"),
        (
            Data(test=50, val=10),
            WHOLE,
            "data: 60 images must hold test, validation and at least one training image, "
            "found test 50, val 10, train 0",
        ),
        (
            Data(test=20, val=20, train=21),
            WHOLE,
            "data: 60 images must hold test, validation and at least one training image, "
            "found test 20, val 20, train 21",
        ),
    ],
)
def test_sizes_that_do_not_fit(data: Data, facts: DataFacts, line: str) -> None:
    with pytest.raises(DataError) as caught:
        split(data, facts)
    assert str(caught.value) == line
