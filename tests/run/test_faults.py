"""Studies that are really killed, stopped and broken."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from commands import aikd_tune, start, write_study

pytestmark = pytest.mark.slow

PATIENCE_S = 90
"""Ray starts in 10 s on two idle cores, and in more than 30 on busy ones."""

ONE_WORKER = ("confirm:", "resources: {max_concurrent: 1}\nconfirm:")
VOLATILE = {"epoch_s", "images_per_s", "train_s", "wait_s", "peak_memory_gib", "host", "started_at", "finished_at"}


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of a study in an order of their own, without times and hosts."""
    order = {
        "trials": ["trial"],
        "teachers": ["teacher_key"],
        "epochs": ["run_key", "phase", "epoch"],
        "bins": ["trial_key", "split", "num_bins", "bin"],
        "predictions": ["trial_key", "split", "image_index"],
    }
    found = {}
    for name, keys in order.items():
        frame = pd.read_parquet(folder / name)
        found[name] = frame.drop(columns=VOLATILE & set(frame.columns)).sort_values(keys, ignore_index=True)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, pd.DataFrame], float]:
    """What one worker makes of the small study, and in how many seconds."""
    folder = tmp_path_factory.mktemp("undisturbed")
    started = time.monotonic()
    done = aikd_tune("run", write_study(folder, ONE_WORKER), cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return tables(folder / "results/small"), time.monotonic() - started


def same(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(found[name], frame, check_exact=True, obj=name)


def kill_driver(process: subprocess.Popen[str]) -> None:
    """SIGKILL for the driver alone: Ray's own servers and workers find out by themselves."""
    process.kill()
    process.communicate()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_killed_driver_loses_nothing_and_doubles_nothing(
    tmp_path: Path, undisturbed: tuple[dict[str, pd.DataFrame], float], seed: int
) -> None:
    expected, wall_s = undisturbed
    study = write_study(tmp_path, ONE_WORKER)
    generator = random.Random(seed)
    for _ in range(2):
        process = start("run", study, cwd=tmp_path)
        time.sleep(generator.uniform(0.2 * wall_s, 0.95 * wall_s))
        kill_driver(process)
    done = aikd_tune("run", study, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    same(tables(tmp_path / "results/small"), expected)


@pytest.mark.timeout(200)
def test_a_killed_worker_is_replaced(tmp_path: Path, undisturbed: tuple[dict[str, pd.DataFrame], float]) -> None:
    process = start("run", write_study(tmp_path, ONE_WORKER), cwd=tmp_path)
    victim = wait_for_child(process, "TrialTrainable")
    victim.kill()
    _, errors = process.communicate(timeout=150)
    assert (process.returncode, errors) == (0, "")
    same(tables(tmp_path / "results/small"), undisturbed[0])


@pytest.mark.timeout(200)
@pytest.mark.parametrize("server", ["gcs_server", "raylet"])
def test_a_local_ray_that_dies_ends_the_run_with_one_line(
    tmp_path: Path, undisturbed: tuple[dict[str, pd.DataFrame], float], server: str
) -> None:
    study = write_study(tmp_path, ONE_WORKER)
    process = start("run", study, cwd=tmp_path)
    wait_for_child(process, "TrialTrainable")
    child = wait_for_child(process, server)
    child.kill()
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert len(errors.splitlines()) == 1
    assert "the local Ray has died" in errors
    assert aikd_tune("run", study, cwd=tmp_path).returncode == 0
    same(tables(tmp_path / "results/small"), undisturbed[0])


@pytest.mark.timeout(200)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_study_that_run_continues(
    tmp_path: Path, undisturbed: tuple[dict[str, pd.DataFrame], float], number: signal.Signals
) -> None:
    study = write_study(tmp_path, ONE_WORKER)
    process = start("run", study, cwd=tmp_path)
    wait_for_child(process, "TrialTrainable")
    process.send_signal(number)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (130, "")
    assert "to continue: aikd-tune run" in output
    assert aikd_tune("run", study, cwd=tmp_path).returncode == 0
    same(tables(tmp_path / "results/small"), undisturbed[0])


@pytest.mark.timeout(250)
def test_an_epoch_that_is_longer_than_there_is_time_for_is_left(tmp_path: Path) -> None:
    slow = ("train: {epochs: 4, batch_size: 32}", "train: {epochs: 4, batch_size: 2}\nmodel: {width: 800}")
    more = ("train: 100}", "train: 500}")
    patience = ("confirm:", "resources: {max_concurrent: 1, drain_s: 1}\nconfirm:")
    study = write_study(tmp_path, slow, more, patience)
    process = start("run", study, cwd=tmp_path)
    wait_for_child(process, "Trainable.train")
    time.sleep(3)  # in the first epoch, which takes minutes
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    output, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 20
    assert (process.returncode, errors) == (130, "")
    assert "to continue: aikd-tune run" in output


@pytest.mark.timeout(250)
def test_a_damaged_checkpoint_is_named_and_the_trial_goes_on_without_it(tmp_path: Path) -> None:
    longer = ("train: {epochs: 4, batch_size: 32}", "train: {epochs: 300, batch_size: 8}")
    short = ("trials: 8, early_stopping: {name: asha, min_epochs: 2, reduction: 2}", "trials: 1")
    once = ("confirm: {settings: 1, replicates: 2, baselines: [ce]}", "confirm: {settings: 0}")
    often = ("confirm:", "resources: {max_concurrent: 1, checkpoint_every_s: 0}\nconfirm:")
    study = write_study(tmp_path, often, longer, short, once)
    process = start("run", study, cwd=tmp_path)
    folder = tmp_path / "results/small/checkpoints"
    give_up_at = time.monotonic() + PATIENCE_S
    while not list(folder.glob("*/2-*.pt")) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    newest = max(folder.glob("*/*.pt"))
    newest.write_bytes(newest.read_bytes()[:-50])
    done = aikd_tune("run", study, cwd=tmp_path)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"warning: trial 0: {newest}: not used: checkpoint of trial {newest.parent.name[:12]}: ")
    assert aikd_tune("run", study, cwd=tmp_path).stderr == ""


@pytest.mark.timeout(200)
def test_two_workers_give_the_rows_of_one_wherever_they_ran_the_same_trial(
    tmp_path: Path, undisturbed: tuple[dict[str, pd.DataFrame], float]
) -> None:
    assert aikd_tune("run", write_study(tmp_path), cwd=tmp_path).returncode == 0
    ours = tables(tmp_path / "results/small")["epochs"].set_index(["run_key", "phase", "epoch"]).drop(columns="trial")
    theirs = undisturbed[0]["epochs"].set_index(["run_key", "phase", "epoch"]).drop(columns="trial")
    common = ours.index.intersection(theirs.index)
    assert len(common) >= 30
    pd.testing.assert_frame_equal(ours.loc[common], theirs.loc[common], check_exact=True)


@pytest.mark.timeout(200)
def test_a_diverging_setting_ends_as_diverged_and_the_study_goes_on(tmp_path: Path) -> None:
    study = write_study(
        tmp_path,
        ("train: {epochs: 4, batch_size: 32}", "train: {epochs: 4, batch_size: 32, lr: {choice: [0.05, 1e6]}}"),
        ("trials: 8", "trials: 12"),
    )
    done = aikd_tune("run", study, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    trials = pd.read_parquet(tmp_path / "results/small/trials")
    search = trials[trials["kind"] == "search"]
    assert set(search.loc[search["lr"] == 1e6, "state"]) == {"diverged"}
    assert (search.loc[search["lr"] == 0.05, "state"] != "diverged").all()
    assert set(trials.loc[trials["kind"] == "confirmation", "state"]) == {"complete"}


def test_a_second_run_at_the_same_time_is_refused_with_host_and_pid(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    process = start("run", study, cwd=tmp_path)
    wait_for_child(process, "raylet")
    second = aikd_tune("run", study, cwd=tmp_path)
    process.kill()
    process.communicate()
    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert f"pid {process.pid}" in line


def wait_for_child(process: subprocess.Popen[str], name: str) -> psutil.Process:
    """The first process below the driver whose title holds ``name``."""
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                if name in " ".join(child.cmdline()) or name in child.name():
                    return child
            except psutil.NoSuchProcess:
                continue
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError(f"no {name} within {PATIENCE_S} s")
