"""What has happened in a study, counted for the live view."""

from dataclasses import dataclass, field

from aikd_tune.run.confirmation import Candidate
from aikd_tune.spec import Study

ENDED = ("complete", "pruned", "diverged")


@dataclass
class Tally:
    """What has happened, for the live view."""

    states: dict[tuple[str, str], int] = field(default_factory=dict)
    """(kind, state) -> trials."""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    """kind -> wall seconds of the trials that ended in this run."""
    failures: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)
    """Trial and what happened to it though it went on."""
    best: Candidate | None = None
    best_raw: float | None = None
    losses: dict[int, int] = field(default_factory=dict)
    """Trial -> how often its worker died."""
    confirmation: int | None = None
    """Trials that the confirmation has in all, once it is planned."""

    def count(self, kind: str, *states: str) -> int:
        """Trials of a kind in one of the states."""
        return sum(number for (k, state), number in self.states.items() if k == kind and state in states)

    def confirmation_of(self, study: Study) -> int:
        """Trials of the confirmation in all, as far as that is known."""
        confirm = study.confirm
        expected = (confirm.settings + len(confirm.baselines)) * confirm.replicates if confirm.settings else 0
        return expected if self.confirmation is None else self.confirmation

    def remaining_s(self, study: Study, workers: int, exhausted: bool) -> float | None:
        """Seconds that are left, from the mean duration of the trials of this run; None while nothing is known."""
        means = {kind: sum(times) / len(times) for kind, times in self.seconds.items()}
        if not means:
            return None
        search = means.get("search", means.get("confirmation", 0.0))
        confirm = means.get("confirmation", search)
        search_left = 0 if exhausted else max(0, study.search.trials - self.count("search", *ENDED))
        confirm_left = max(0, self.confirmation_of(study) - self.count("confirmation", *ENDED))
        return (search_left * search + confirm_left * confirm) / max(1, workers)
