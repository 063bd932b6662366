"""What each term of the loss adds to an epoch, and how often an image is forwarded in it.

    python benchmarks/trial_cost.py [--rounds 6] [--epochs 30] [--device cpu]

Digits, 300 training and 500 validation images, batch 64, one thread, teacher's tables warm. The cases run in turn, in
one order and then in the reverse one (ABBA), so that a slow minute of the machine falls on all of them.
"""

import argparse
from statistics import median

from aikd_tune.kd.device import device_kind
from aikd_tune.kd.teacher import TableCache
from aikd_tune.kd.trial import TrialRun
from aikd_tune.spec import Setting

NUM_TRAIN, NUM_VAL = 300, 500
OFF = {"weight": 0.0}
CASES = {
    "ce": {"method": "ce"},
    "ce + teacher": {"previous": OFF, "adversarial": OFF},
    "ce + previous (snapshot)": {"teacher": OFF, "adversarial": OFF},
    "ce + previous (table)": {"teacher": OFF, "adversarial": OFF, "previous": {"source": "table"}},
    "ce + adversarial, 1 critic step": {"teacher": OFF, "previous": OFF},
    "ce + adversarial, 5 critic steps": {"teacher": OFF, "previous": OFF, "adversarial": {"critic_steps": 5}},
    "all, 1 critic step": {},
    "all, 5 critic steps": {"adversarial": {"critic_steps": 5}},
    "all, 5 critic steps, hidden 32": {"adversarial": {"critic_steps": 5, "hidden": "32"}},
}
PURPOSES = {"train": NUM_TRAIN, "previous": NUM_TRAIN, "recalibration": NUM_TRAIN, "teacher": NUM_TRAIN}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    stored: dict[str, bytes] = {}
    tables = TableCache(256 * 1024**2)

    def run(distill: dict[str, object]) -> tuple[list[float], dict[str, float]]:
        setting = Setting.model_validate(
            {
                "data": {"test": 900, "val": NUM_VAL, "train": NUM_TRAIN},
                "train": {"epochs": options.epochs},
                "distill": distill,
            }
        )
        trial = TrialRun(setting, 0, get=stored.get, put=stored.__setitem__, tables_cache=tables, device=options.device)
        rows = [row for row in trial.advance() if row["phase"] == "student"]
        forwards = {name: trial.forwards[name] / count / options.epochs for name, count in PURPOSES.items()}
        return [row["epoch_s"] for row in rows[1:]], forwards  # the first epoch allocates

    run(CASES["all, 1 critic step"])  # trains the teacher and fills the tables
    seconds: dict[str, list[float]] = {name: [] for name in CASES}
    forwards: dict[str, dict[str, float]] = {}
    for number in range(options.rounds):
        for name in list(CASES)[:: 1 if number % 2 == 0 else -1]:
            epochs, forwards[name] = run(CASES[name])
            seconds[name] += epochs
    print(
        f"{device_kind(options.device)}, 1 thread; medians of n = {len(seconds['ce'])} epochs in {options.rounds} runs"
    )
    print(f"{'':34}{'ms/epoch':>9}{'x CE':>7}   forwards per training image and epoch: {', '.join(PURPOSES)}")
    for name, values in seconds.items():
        counts = "  ".join(f"{count:5.2f}" for count in forwards[name].values())
        print(f"{name:34}{1e3 * median(values):9.1f}{median(values) / median(seconds['ce']):7.2f}   {counts}")


if __name__ == "__main__":
    main()
