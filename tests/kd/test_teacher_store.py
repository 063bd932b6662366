"""The teacher: trained once, shared through named bytes, never trusted unless whole."""

import io

import numpy as np
import pytest
import torch
from small_trials import NUM_TRAIN, Store, rows_of, setting, students, timeless, trial

from aikd_tune.kd.teacher import TableCache, load_teacher, tables_fit


def teacher_files(store: Store) -> tuple[str, list[str]]:
    """Name of the weights, and names of the tables."""
    weights = [name for name in store.blobs if name.endswith("/weights.pt")]
    assert len(weights) == 1
    return weights[0], [name for name in store.blobs if "/logits/" in name]


def test_cold_warm_and_budget_exceeded_give_the_same_rows() -> None:
    chosen, store, memory = setting(), Store(), TableCache(1 << 20)
    cold = rows_of(chosen, store, tables_cache=memory)
    writes = list(store.writes)
    assert len(teacher_files(store)[1]) == 3
    assert rows_of(chosen, store) == cold  # from the store
    assert rows_of(chosen, store, tables_cache=memory) == cold  # from memory
    assert store.writes == writes
    poor = Store()
    assert rows_of(chosen, poor, cache_gib=0.0) == cold
    assert teacher_files(poor)[1] == []
    assert poor.blobs[teacher_files(poor)[0]] == store.blobs[teacher_files(store)[0]]


def test_beside_other_trials_as_alone() -> None:
    others = [setting({"teacher": {"weight": weight}}) for weight in (0.1, 2.0)]
    store = Store()
    runs = [trial(chosen, store) for chosen in others]
    rows: list[list[dict[str, object]]] = [[], []]
    while not all(run.finished for run in runs):
        for run, mine in zip(runs, rows, strict=True):
            mine += timeless(run.advance(seconds=0))
    for chosen, mine in zip(others, rows, strict=True):
        unique = list({(row["phase"], row["epoch"]): row for row in mine}.values())
        assert unique == rows_of(chosen)


def test_another_student_shares_the_teacher_and_its_tables() -> None:
    store = Store()
    rows_of(setting(), store)
    run = trial(setting({"teacher": {"weight": 1.0}, "temperature": 2.0}), store)
    assert len([row for row in run.advance() if row["phase"] == "teacher"]) == 2
    assert run.forwards["teacher/train"] == run.forwards["teacher"] == 0


def test_tables_hold_the_teachers_logits_on_the_views_of_the_epoch() -> None:
    store = Store()
    chosen = setting()
    run = trial(chosen, store)
    run.advance()
    weights, tables = teacher_files(store)
    assert [name.rsplit("/", 1)[1] for name in tables] == ["1.table", "2.table", "3.table"]
    table = np.load(io.BytesIO(store.blobs[tables[0]]), allow_pickle=False)
    assert table.dtype == np.float32
    assert table.shape == (NUM_TRAIN, 10)
    assert len({store.blobs[name] for name in tables}) == 3
    assert weights == f"{run.teacher_key}/weights.pt"


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "reshape"])
@pytest.mark.parametrize("which", ["weights.pt", "rows.json", "2.table"])
def test_damaged_bytes_are_made_again(damage: str, which: str) -> None:
    chosen, store = setting(), Store()
    expected = rows_of(chosen, store)
    name = next(name for name in store.blobs if name.endswith(which))
    good = store.blobs[name]
    if damage == "flip":
        store.blobs[name] = good[:100] + bytes([good[100] ^ 1]) + good[101:]
    elif damage == "truncate":
        store.blobs[name] = good[:-40]
    elif damage == "delete":
        del store.blobs[name]
    elif which == "2.table":
        from aikd_tune.kd.sealed import seal

        buffer = io.BytesIO()
        np.save(buffer, np.zeros((3, 10), np.float32))
        store.blobs[name] = seal(buffer.getvalue())
    else:
        return
    store.writes.clear()
    assert rows_of(chosen, store) == expected
    assert name in store.writes
    if which != "rows.json":  # which holds times
        assert store.blobs[name] == good


def test_weights_appear_last_and_a_half_written_teacher_is_not_one() -> None:
    store = Store()
    run = trial(setting(), store)
    run.advance()
    assert run.teacher_key is not None
    assert [name.rsplit("/")[-1] for name in store.writes[:2]] == ["rows.json", "weights.pt"]
    assert load_teacher({store.writes[1]: store.blobs[store.writes[1]]}.get, run.teacher_key) is None
    assert load_teacher({store.writes[0]: store.blobs[store.writes[0]]}.get, run.teacher_key) is None


class Lease:
    """Remembers what is asked, and what the store held then."""

    def __init__(self, store: Store, answer: bool = True) -> None:
        self.store, self.answer = store, answer
        self.calls: list[tuple[str, str, bool]] = []

    def note(self, call: str, key: str) -> None:
        self.calls.append((call, key, f"{key}/weights.pt" in self.store.blobs))

    def acquire(self, key: str) -> bool:
        self.note("acquire", key)
        return self.answer

    def renew(self, key: str) -> None:
        self.note("renew", key)

    def release(self, key: str) -> None:
        self.note("release", key)


def test_lease_is_held_from_before_phase_1_until_the_teacher_is_stored() -> None:
    store = Store()
    lease = Lease(store)
    run = trial(setting(), store, lease=lease)
    run.advance()
    key = run.teacher_key
    assert lease.calls == [
        ("acquire", key, False),
        ("renew", key, False),
        ("renew", key, False),
        ("release", key, True),
    ]
    lease.calls.clear()
    trial(setting(), store, lease=lease).advance()
    assert lease.calls == []  # found without asking


def test_who_waits_for_a_teacher_finds_it() -> None:
    done, store = Store(), Store()
    rows_of(setting(), done)

    class Waiting(Lease):
        def acquire(self, key: str) -> bool:
            self.store.blobs.update(done.blobs)
            return super().acquire(key)

    for ours in (False, True):  # True: found it free, because the other has just ended
        store.blobs.clear()
        lease = Waiting(store, ours)
        run = trial(setting(), store, lease=lease)
        run.advance()
        assert run.forwards["teacher/train"] == 0
        assert [call for call, _, _ in lease.calls] == ["acquire", "release"][: 1 + ours]
        assert run.outcome().columns["wait_s"] > 0


def test_a_teacher_said_to_exist_that_does_not_is_trained() -> None:
    store = Store()
    assert rows_of(setting(), store, lease=Lease(store, answer=False)) == rows_of(setting())


def test_memory_keeps_the_latest_used_tables_within_its_size() -> None:
    table = torch.zeros(10, 10)
    cache = TableCache(2 * table.nbytes)
    cache.put("a", "cpu", table)
    cache.put("b", "cpu", table)
    assert cache.get("a", "cpu") is table
    cache.put("c", "cpu", table)
    assert cache.get("b", "cpu") is None
    assert cache.get("a", "cpu") is table
    assert cache.get("c", "cpu") is table
    cache.put("large", "cpu", torch.zeros(100, 100))
    assert cache.get("large", "cpu") is None
    assert cache.get("a", "cpu") is table


def test_budget_is_epochs_times_images_times_classes_times_four_bytes() -> None:
    assert tables_fit(30, 300, 10, 30 * 300 * 10 * 4 / 1024**3)
    assert not tables_fit(30, 300, 10, (30 * 300 * 10 * 4 - 1) / 1024**3)


def test_students_rows_tell_agreement_with_the_teacher() -> None:
    rows = students(rows_of(setting({"teacher": {"weight": 100.0, "temperature": 1.0}}, {"epochs": 8})))
    assert rows[-1]["val_teacher_agreement"] > rows[0]["val_teacher_agreement"]
