"""Ray as this package uses it: started quietly, without a dashboard, and left without a trace."""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from aikd_tune.errors import ClusterError
from aikd_tune.run.coordinator import NAME, Coordinator
from aikd_tune.spec import PerTrial


@dataclass(frozen=True)
class Slots:
    """How many trials fit at once, and what each gets."""

    workers: int
    cpus: int
    gpus: float


@contextmanager
def cluster(address: str | None) -> Iterator[Any]:
    """A connection to Ray, local unless ``address`` is given; yields the coordinator of this run.

    Raises:
        ClusterError: no Ray cluster answers at ``address``.
    """
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    # "local": without it Ray joins a cluster that somebody else has started on this machine
    options["address"] = "local"
    if address is not None:
        options = {"log_to_driver": False, "logging_level": "ERROR", "address": address}
    try:
        context: Any = ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError, RayError) as error:
        what = "a local Ray cannot be started" if address is None else f"no Ray cluster can be reached at {address!r}"
        raise ClusterError(f"{what} ({_first_line(error)})") from None
    session = Path(context.address_info["session_dir"]) if address is None else None
    _silence()
    try:
        yield ray.remote(num_cpus=0)(Coordinator).options(name=NAME).remote()
    finally:
        with suppress(Exception):  # a Ray that has died cannot be shut down; the run has been told by then
            ray.shutdown()
        if session is not None:
            shutil.rmtree(session, ignore_errors=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for Ray's experiment files, which nothing reads; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="aikd-tune-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def slots(per_trial: PerTrial, max_concurrent: int | None) -> Slots:
    """How trials are laid out on the cluster as it is now.

    Raises:
        ClusterError: not even one trial fits.
    """
    have: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray's
    cpus, gpus = have.get("CPU", 0), have.get("GPU", 0)
    gpus_wanted = (1.0 if gpus else 0.0) if per_trial.gpus == "auto" else per_trial.gpus
    fit = int(cpus // per_trial.cpus)
    if gpus_wanted:
        fit = min(fit, int(gpus // gpus_wanted))
    if fit < 1:
        raise ClusterError(
            f"resources.per_trial: must fit the cluster, found {per_trial.cpus} CPUs and {gpus_wanted:g} GPUs "
            f"where there are {cpus:g} and {gpus:g}"
        )
    return Slots(min(fit, max_concurrent or fit), per_trial.cpus, gpus_wanted)


def _silence() -> None:
    """A worker that dies is told of by us, in a line; Ray would add a traceback and a paragraph."""
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    # The paragraphs that raylets push to the driver have no public switch; without this one they are printed, no more.
    vars(ray._private.worker)["_worker_logs_enabled"] = False


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
