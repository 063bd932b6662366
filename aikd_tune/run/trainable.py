"""The class that Ray Tune starts in every worker process; light, since the driver imports it too."""

import os
from typing import TYPE_CHECKING, Any

import ray
from ray import tune

from aikd_tune.run.coordinator import NAME
from aikd_tune.run.jobs import Job
from aikd_tune.run.process import die_with_parent

if TYPE_CHECKING:
    from aikd_tune.run.worker import Worker


class TrialTrainable(tune.Trainable):
    """One step is the epochs up to the next rung, or about a second of work; its rows travel in the result."""

    _worker: "Worker"

    def setup(self, config: dict[str, Any]) -> None:
        """Prepare the process once, then begin the first trial."""
        die_with_parent()
        from aikd_tune.run.worker import Worker

        coordinator: Any = ray.get_actor(NAME)
        context: Any = ray.get_runtime_context()
        self._worker = Worker(config, coordinator, context.current_actor)
        draining: list[Any] = ray.get([coordinator.register.remote(context.current_actor)])
        self._worker.draining = bool(draining[0])
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial in the same process."""
        self._worker.begin(Job.from_message(new_config["job"]), tuple(new_config["levels"]))
        return True

    def ask_drain(self) -> None:
        """Leave after the present step: the next one writes a checkpoint and ends."""
        self._worker.draining = True

    def step(self) -> dict[str, Any]:
        """Train for a while; see ``Report``."""
        report = self._worker.step()
        return {"epoch": report.epoch, "value": report.value, "done": report.state != "running", "report": (report,)}

    def get_auto_filled_metrics(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Ray keeps two deques for every number of a result; one is enough."""
        return {"pid": os.getpid()}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Ray's checkpoints are never used."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Ray's checkpoints are never used."""
