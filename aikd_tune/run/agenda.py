"""What is next: unfinished settings, new settings, and, when the search has ended, the confirmation."""

from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum

from aikd_tune.run.jobs import Job
from aikd_tune.run.sampler import SettingSampler, SpaceExhausted
from aikd_tune.spec import Study, trial_key


class Answer(Enum):
    """An answer of the agenda that is not a job."""

    WAIT = "wait"
    END = "end"


class Agenda:
    """Hands out jobs one by one; the confirmation is planned when the last setting of the search has ended."""

    def __init__(
        self,
        study: Study,
        fingerprint: str,
        sampler: SettingSampler,
        unfinished: Iterable[Job],
        num_settings: int,
        next_trial: int,
        confirm: Callable[[int], list[Job]],
    ) -> None:
        self._study, self._fingerprint, self._sampler, self._confirm = study, fingerprint, sampler, confirm
        self._queue = deque(unfinished)
        self.num_settings = num_settings
        self._next_trial = next_trial
        self._live: set[int] = set()
        self._confirming = False
        self.exhausted = False
        self.stopped = False

    def next(self) -> Job | Answer:
        """The next trial to start."""
        if self.stopped:
            return Answer.END
        if self._queue:
            return self._start(self._queue.popleft())
        if not self._confirming:
            job = self._new_setting()
            if job is not None:
                return self._start(job)
            if self._live:
                return Answer.WAIT
            self._confirming = True
            self._queue.extend(self._confirm(self._next_trial))
            self._next_trial += len(self._queue)
            return self.next()
        # A trial that is running may lose its worker and has to be handed out again.
        return Answer.WAIT if self._live else Answer.END

    def has_next(self) -> bool:
        """Whether a trial is left to run; nothing is handed out."""
        answer = self.next()
        if isinstance(answer, Job):
            self._queue.appendleft(answer)
            self._live.discard(answer.trial)
        return answer is not Answer.END

    def ended(self, job: Job) -> None:
        """A trial that was handed out is over."""
        self._live.discard(job.trial)

    def again(self, job: Job) -> None:
        """A trial that was handed out has lost its worker and comes next."""
        self._live.discard(job.trial)
        self._queue.appendleft(job)

    def stop(self) -> None:
        """Hand out nothing more."""
        self.stopped = True

    def _start(self, job: Job) -> Job:
        self._live.add(job.trial)
        return job

    def _new_setting(self) -> Job | None:
        if self.exhausted or self.num_settings >= self._study.search.trials:
            return None
        try:
            setting = self._sampler.ask(self.num_settings)
        except SpaceExhausted:
            self.exhausted = True
            return None
        key = trial_key(setting, self._study.seed, self._fingerprint)
        job = Job("search", self._next_trial, setting, self._study.seed, key, number=self.num_settings)
        self.num_settings += 1
        self._next_trial += 1
        return job
