"""Wall seconds of one search by aikd-tune and by plain Ray Tune + OptunaSearch scripts, and their ratios.

The same network, images, epochs, settings, critic steps and workers on all sides; no early stopping, no confirmation.
Sides take turns; each run is a process of its own, from its start to its end (Ray's start and our report included).

    python benchmarks/study_vs_raw_ray.py --settings 40 --runs 3
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.trial import TrialRun
from aikd_tune.run.sampler import SettingSampler
from aikd_tune.spec import Study, first_settings, load_study

HERE = Path(__file__).parent
STUDY = """\
study: race
data: {{name: digits, test: 900, val: 500, train: 300}}
train: {{epochs: 30, batch_size: 64}}
distill:
  temperature: {{loguniform: [1, 10]}}
  teacher: {{weight: {{loguniform: [0.01, 10]}}}}
  previous: {{weight: {{loguniform: [0.01, 3]}}}}
  adversarial:
    weight: {{loguniform: [0.001, 0.3]}}
    hidden: {{choice: ["32", "128", "256-64"]}}
    gradient_penalty: {{loguniform: [1, 30]}}
    critic_steps: 5
    lr: 1e-3
search: {{trials: {trials}, sampler: random, early_stopping: {{name: none}}}}
confirm: {{settings: 0}}
resources: {{per_trial: {{cpus: 1}}, max_concurrent: 2}}
"""
SIDES = {
    "a": "loader workers, phase 1 in each trial",
    "b": "actors reused, no loader workers",
    "c": "as b, one teacher shared",
}


def settings_of(study: Study) -> list[dict[str, float | str]]:
    """The settings that our random search will try, in the opponents' words; every term is on in all of them."""
    sampler = SettingSampler(study, "", first_settings(study))
    settings = []
    for number in range(study.search.trials):
        distill = sampler.ask(number).distill
        settings.append(
            {
                "temperature": distill.temperature,
                "teacher": distill.teacher.weight,
                "previous": distill.previous.weight,
                "adversarial": distill.adversarial.weight,
                "hidden": distill.adversarial.hidden,
                "gradient_penalty": distill.adversarial.gradient_penalty,
            }
        )
    return settings


def ours(study_file: Path) -> list[str]:
    """Our command, with an empty results root."""
    results = tempfile.mkdtemp(dir=study_file.parent)
    return [sys.executable, "-m", "aikd_tune", "run", str(study_file), "--results", results]


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return time.perf_counter() - started


def forwards(study: Study) -> str:
    """Forward calls per training image and epoch, counted in one trial with a cold teacher and one with a warm one."""
    stored: dict[str, bytes] = {}
    lines = []
    num_train, epochs = study.base.data.train, study.base.train.epochs
    assert isinstance(num_train, int)
    for label in ("cold", "warm"):
        run = TrialRun(study.base, study.seed, get=stored.get, put=stored.__setitem__)
        while not run.finished:
            run.advance()
        counts = {name: count / num_train / epochs for name, count in run.forwards.items() if name != "evaluation"}
        lines.append(
            f"  teacher {label}: " + ", ".join(f"{name} {count:.2f}" for name, count in sorted(counts.items()))
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", type=int, default=40)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sides", default="abc", help="opponents, such as ac")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study_file = folder / "race.yaml"
        study_file.write_text(STUDY.format(trials=options.settings))
        study = load_study(study_file, describe)
        (folder / "settings.json").write_text(json.dumps(settings_of(study)))
        commands: dict[str, Callable[[], list[str]]] = {"ours": lambda: ours(study_file)}
        for side in options.sides:
            command = [sys.executable, str(HERE / "raw_ray.py"), side, str(folder / "settings.json")]
            commands[side] = lambda command=command: command
        times: dict[str, list[float]] = {side: [] for side in commands}
        for run in range(options.runs):
            for side in list(commands) if run % 2 == 0 else list(commands)[::-1]:
                times[side].append(seconds(commands[side]()))
                print(f"run {run + 1}: {side:<5} {times[side][-1]:7.1f} s", flush=True)
        print(
            f"\n{options.settings} settings of 30 epochs, 2 workers; medians of wall seconds, n = {options.runs} each"
        )
        print(f"aikd-tune                                  {median(times['ours']):7.1f} s")
        for side in options.sides:
            ratios = [theirs / mine for theirs, mine in zip(times[side], times["ours"], strict=True)]
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            print(f"({side}) {SIDES[side]:<38} {median(times[side]):7.1f} s   {median(ratios):5.2f} x ours ({spread})")
        print("\nforward calls per image and epoch, aikd-tune (the opponents: train 1, previous 1, teacher 1):")
        print(forwards(study))


if __name__ == "__main__":
    main()
