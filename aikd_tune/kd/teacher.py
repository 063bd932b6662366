"""The teacher: phase 1's network by teacher key, and its logits on the views of each epoch as tables.

Whatever is read is checked whole first; what is missing or damaged is computed again, in the same chunks and so with
the same bits.
"""

import io
import json
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aikd_tune.kd.checkpoint import pack, unpack
from aikd_tune.kd.data.views import ImageSource
from aikd_tune.kd.forward import Forward, Outputs
from aikd_tune.kd.sealed import seal, unseal

Get = Callable[[str], bytes | None]
Put = Callable[[str, bytes], None]
_GIB = 1024**3
_OUTPUT_BYTES = 4


class TeacherLease(Protocol):
    """The right to train a teacher, so that it is trained once."""

    def acquire(self, key: str) -> bool:
        """True: train it now. False: it has been trained. Blocks while another trains it."""

    def renew(self, key: str) -> None:
        """Called after every epoch of phase 1."""

    def release(self, key: str) -> None:
        """Called once the teacher is stored."""


class AloneLease:
    """The lease of a process that nobody competes with."""

    def acquire(self, key: str) -> bool:
        """Always train what is not stored."""
        return True

    def renew(self, key: str) -> None:
        """Nothing to renew."""

    def release(self, key: str) -> None:
        """Nothing to release."""


class TableCache:
    """Logit tables that the trials of one process share; the least recently used go first above ``capacity_bytes``."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._used_bytes = 0
        self._tables: OrderedDict[tuple[str, str], Tensor] = OrderedDict()

    def get(self, name: str, device: str) -> Tensor | None:
        """The table kept under this name for this device."""
        table = self._tables.get((name, device))
        if table is not None:
            self._tables.move_to_end((name, device))
        return table

    def put(self, name: str, device: str, table: Tensor) -> None:
        """Keep a table, unless it alone exceeds the capacity."""
        if table.nbytes > self._capacity_bytes or (name, device) in self._tables:
            return
        self._tables[name, device] = table
        self._used_bytes += table.nbytes
        while self._used_bytes > self._capacity_bytes:
            _, oldest = self._tables.popitem(last=False)
            self._used_bytes -= oldest.nbytes


@dataclass(frozen=True)
class Teacher:
    """A trained teacher: its weights, its validation logits (n, K) and the rows that its training produced."""

    key: str
    network: dict[str, Tensor]
    val_logits: NDArray[np.float32]
    diverged: bool
    epochs: list[dict[str, Any]]  # rows of the ``epochs`` table
    columns: dict[str, Any]  # its row of the ``teachers`` table, without metrics


def save_teacher(put: Put, teacher: Teacher) -> None:
    """Store a teacher; its weights go last, so that whoever finds them finds the rest."""
    rows = {"epochs": teacher.epochs, "columns": teacher.columns}
    put(f"{teacher.key}/rows.json", seal(json.dumps(rows).encode()))
    state = {
        "network": teacher.network,
        "val_logits": torch.from_numpy(teacher.val_logits),
        "diverged": teacher.diverged,
    }
    put(f"{teacher.key}/weights.pt", pack(state))


def load_teacher(get: Get, key: str) -> Teacher | None:
    """A stored teacher, or None if any part of it is missing or damaged."""
    state = unpack(get(f"{key}/weights.pt"))
    rows = unseal(get(f"{key}/rows.json"))
    if state is None or rows is None:
        return None
    return Teacher(
        key=key,
        network=state["network"],
        val_logits=state["val_logits"].numpy(),
        diverged=state["diverged"],
        **json.loads(rows),
    )


class TeacherTables:
    """The teacher's outputs on the views of an epoch: remembered, read, or computed and stored."""

    def __init__(
        self,
        teacher: Teacher,
        make_forward: Callable[[], Forward],
        views_key: str,
        device: str,
        *,
        get: Get,
        put: Put,
        cache: TableCache,
        forwards: Counter[str],
        stored: bool,
        with_features: bool,
        compiled: bool,
    ) -> None:
        self._teacher, self._make_forward, self._device = teacher, make_forward, device
        self.val_logits = teacher.val_logits
        self._folder = f"{teacher.key}/{{}}/{views_key}"
        self._get, self._put, self._cache, self._forwards, self._stored = get, put, cache, forwards, stored
        self._kinds = ("logits", "features") if with_features else ("logits",)
        # a compilation that returns features too may round the logits another way
        self._suffix = "-compiled-with-features" if compiled and with_features else ""
        self._forward: Forward | None = None

    @property
    def state_dict(self) -> dict[str, Tensor]:
        """The teacher's weights."""
        return self._teacher.network

    def __call__(self, epoch: int, views: ImageSource) -> Outputs:
        """Logits (n, K) on the views of ``epoch`` in eval mode; features (n, F) if the tables have them."""
        if not self._stored:
            return self.predict(views)
        names = {kind: self._name(kind, epoch) for kind in self._kinds}
        found = {kind: self._read(name, len(views)) for kind, name in names.items()}
        tables = {kind: table for kind, table in found.items() if table is not None}
        if len(tables) < len(names):
            outputs = self.predict(views)
            tables = {kind: table for kind, table in outputs._asdict().items() if table is not None}
            for kind, name in names.items():
                self._put(name, seal(_npy_bytes(tables[kind])))
        for kind, name in names.items():
            self._cache.put(name, self._device, tables[kind])
        return Outputs(tables["logits"], tables.get("features"))

    def predict(self, images: ImageSource) -> Outputs:
        """The teacher's own forward, in fixed chunks."""
        if self._forward is None:
            self._forward = self._make_forward()
            self._forward.network.load_state_dict(self._teacher.network)
        self._forwards["teacher"] += len(images)
        return self._forward.predict(images)

    def _name(self, kind: str, epoch: int) -> str:
        return f"{self._folder.format(kind + self._suffix)}/{epoch}.table"

    def _read(self, name: str, num_images: int) -> Tensor | None:
        remembered = self._cache.get(name, self._device)
        if remembered is not None:
            return remembered
        payload = unseal(self._get(name))
        if payload is None:
            return None
        table = np.load(io.BytesIO(payload), allow_pickle=False)
        if table.dtype != np.float32 or len(table) != num_images:
            return None
        return torch.from_numpy(table).to(self._device)


def tables_fit(epochs: int, num_images: int, num_outputs: int, cache_gib: float) -> bool:
    """Whether the float32 outputs of all epochs, so many an image, stay within ``cache_gib``."""
    return epochs * num_images * num_outputs * _OUTPUT_BYTES <= cache_gib * _GIB


def _npy_bytes(table: Tensor) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, table.cpu().numpy(), allow_pickle=False)
    return buffer.getvalue()
