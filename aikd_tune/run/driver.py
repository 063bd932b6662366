"""``aikd-tune run``: what is missing of a study is run, whatever happened before."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aikd_tune.errors import StudyFileError, StudyFolderError, UsageError, UserError
from aikd_tune.kd.data.describe import describe
from aikd_tune.run.conductor import Conductor
from aikd_tune.run.live import make_view
from aikd_tune.run.process import quiet_ray
from aikd_tune.spec import Study, differences, load_study
from aikd_tune.spec.catalogue import OWN_NETWORKS
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.teachers import network_alternatives
from aikd_tune.store import StudyFolder, StudyLock


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    folder: Path
    trials_run: int
    failures: list[tuple[int, str]]
    """Trial and reason."""
    interrupted: bool
    exhausted: bool
    warnings: Sequence[tuple[int, str]] = ()
    """Trial, and what happened to it though it went on."""

    @property
    def exit_code(self) -> int:
        """0 done, 1 some trial failed, 130 interrupted."""
        return 130 if self.interrupted else 1 if self.failures else 0


def run_study(study_file: Path, results: str, address: str | None = None, trials: int | None = None) -> Result:
    """Run what is missing of the study in ``study_file`` and return how it ended.

    Raises:
        UsageError: results cannot be used.
        ClusterError: no Ray to run on, or one too small; nothing was recorded.
        StudyFileError: the study file is wrong, or differs from the recorded one; nothing was written.
        StudyFolderError: another run holds the study, or its folder cannot be read or written.
    """
    study = load_study(study_file, describe)
    if trials is not None:
        study = dataclasses.replace(study, search=study.search.model_copy(update={"trials": trials}))
    folder = _folder(results, study.name)
    _refuse_differences(study_file, study, folder)
    facts = describe(study.base.data)
    if not folder.is_study():
        _check_networks(study_file, study, facts)
    with StudyLock(folder):
        conductor = Conductor(study, facts.fingerprint, folder)
        if folder.is_study() and not conductor.has_next():
            return Result(folder.path, 0, [], interrupted=False, exhausted=conductor.exhausted)
        interrupted = _run(study, conductor, folder, address)
        conductor.close()
        conductor.provenance.end_run("interrupted" if interrupted else "complete")
    tally = conductor.tally
    return Result(
        folder.path,
        sum(len(s) for s in tally.seconds.values()),
        tally.failures,
        interrupted,
        conductor.exhausted,
        tally.warnings,
    )


def _folder(results: str, name: str) -> StudyFolder:
    """The study's folder in a results root that can be one; nothing is created."""
    try:
        folder = StudyFolder.named(results, name)
    except StudyFolderError as error:
        raise UsageError(f"--results: {error}") from None
    for path in (folder.results, folder.path):
        if path.exists() and not path.is_dir():
            raise UsageError(f"--results: must be a folder, found a file: {path}")
    return folder


def _refuse_differences(study_file: Path, study: Study, folder: StudyFolder) -> None:
    if not folder.is_study():
        return
    recorded = load_study(folder.study_file, None)
    different = differences(recorded, study)
    if different:
        advice = f"give the study another name (study: {study.name}-2), or undo the change"
        raise StudyFileError([f"{study_file}: {line}; {advice}" for line in different])


def _check_networks(study_file: Path, study: Study, facts: DataFacts) -> None:
    """Networks that are not ours, and a teacher from a file, may not fit the images; ours need no such look."""
    ours = all(setting.model.name in OWN_NETWORKS for setting in network_alternatives(study))
    if ours and study.base.teacher.file is None:
        return
    from aikd_tune.kd.preflight import check_networks  # loads torch, which the driver else does without

    try:
        check_networks(study, facts)
    except UserError as error:
        raise StudyFileError([f"{study_file}: {error}"]) from error


def _run(study: Study, conductor: Conductor, folder: StudyFolder, address: str | None) -> bool:
    view = make_view(study, conductor, folder.path)
    view.starting()
    quiet_ray()
    from aikd_tune.run.session import run_trials  # loads Ray, which a finished or refused study does not need

    try:
        return run_trials(study, conductor, folder, view, address)
    finally:
        view.ended()
