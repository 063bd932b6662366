from studies import small_study

from aikd_tune.run.agenda import Agenda, Answer
from aikd_tune.run.jobs import Job
from aikd_tune.run.sampler import Evaluation, SettingSampler
from aikd_tune.spec import trial_key


def agenda_of(trials: int, confirmation: int) -> tuple[Agenda, SettingSampler]:
    study = small_study(trials=trials)
    sampler = SettingSampler(study, "f", [])

    def confirm(next_trial: int) -> list[Job]:
        return [
            Job("confirmation", next_trial + i, study.base, 1 + i, trial_key(study.base, 1 + i, "f"), test_look=1)
            for i in range(confirmation)
        ]

    return Agenda(study, "f", sampler, [], num_settings=0, next_trial=0, confirm=confirm), sampler


def hand_out(agenda: Agenda) -> Job:
    job = agenda.next()
    assert isinstance(job, Job)
    return job


def test_the_confirmation_waits_for_the_last_setting_and_the_end_for_the_last_trial() -> None:
    agenda, sampler = agenda_of(trials=2, confirmation=1)
    first, second = hand_out(agenda), hand_out(agenda)
    assert [(job.trial, job.number) for job in (first, second)] == [(0, 0), (1, 1)]
    assert agenda.next() is Answer.WAIT
    for job in (first, second):
        assert job.number is not None
        sampler.tell(Evaluation(job.number, job.setting, "complete", 1.0, {6: 1.0}))
        agenda.ended(job)
    confirmed = hand_out(agenda)
    assert (confirmed.kind, confirmed.trial) == ("confirmation", 2)
    assert agenda.next() is Answer.WAIT  # its worker may still die
    agenda.ended(confirmed)
    assert agenda.next() is Answer.END


def test_a_trial_that_lost_its_worker_comes_next_even_as_the_last_one() -> None:
    agenda, _ = agenda_of(trials=1, confirmation=0)
    job = hand_out(agenda)
    agenda.again(job)
    assert agenda.next() == job
    agenda.ended(job)
    assert agenda.next() is Answer.END


def test_asking_whether_anything_is_left_hands_nothing_out() -> None:
    agenda, _ = agenda_of(trials=1, confirmation=0)
    assert agenda.has_next()
    assert agenda.has_next()
    job = hand_out(agenda)
    assert job.trial == 0
    agenda.ended(job)
    assert not agenda.has_next()


def test_a_stopped_agenda_ends() -> None:
    agenda, _ = agenda_of(trials=3, confirmation=0)
    hand_out(agenda)
    agenda.stop()
    assert agenda.next() is Answer.END
