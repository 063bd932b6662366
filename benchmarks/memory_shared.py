"""Memory of many trials on one machine that train on one set: the set is in memory once.

    python benchmarks/memory_shared.py [--processes 8] [--images 50000] [--side 32] [--batch 128]

Each process places the set and walks through the views of an epoch (crop and flip). Then the proportional set sizes
(PSS: a page that k processes share counts 1/k in each) are summed over the processes: all of it, and that of the
decoded images alone. ``copies`` is what the images would take if each process held its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from aikd_tune.kd.placed import place
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.fields import Data, Views

MIB = 2**20
NAME = f"{Path(__file__).stem}:images"


def images() -> dict[str, object]:
    """The data set, by the way that a user's own sets are read."""
    count, side = int(os.environ["IMAGES"]), int(os.environ["SIDE"])
    levels = np.random.default_rng(0).integers(0, 256, (count + 200, 3, side, side), dtype=np.uint8)
    labels = np.arange(len(levels)) % 10
    return {"train": (levels[200:], labels[200:]), "test": (levels[:200], labels[:200])}


def walk(batch: int) -> None:
    """One process: place the set, walk through an epoch, say so, and wait until standard input is closed."""
    torch.set_num_threads(1)
    views = Views(resized_crop=0.0, shift=4, flip=True)
    placed = place(Data(name=NAME, val=200, views=views), "train", "cpu")
    epoch = placed.views(views, lambda purpose: generator(0, purpose, 1))
    order = torch.randperm(len(epoch), generator=generator(0, "order", 1))
    for start in range(0, len(order), batch):
        epoch.rows(order[start : start + batch])
    print("walked", flush=True)
    sys.stdin.read()


def pss(pid: int) -> tuple[float, float]:
    """MiB of a process in all, and of its mappings of decoded images."""
    lines = Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines()
    whole = mapped = 0
    is_images = False
    for line in lines:
        head = line.split()
        if head[0] == "Pss:":
            whole += int(head[1])
            mapped += int(head[1]) if is_images else 0
        elif not head[0].endswith(":"):
            is_images = head[-1].endswith("images.npy")
    return whole * 1024 / MIB, mapped * 1024 / MIB


def measure(processes: int, batch: int) -> tuple[float, float]:
    """Sums over ``processes`` that have all walked through an epoch."""
    command = [sys.executable, __file__, "--walk", "--batch", str(batch)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            if process.stdout.readline() != "walked\n":
                sys.exit("a process failed; its message is above")
        sums = np.sum([pss(process.pid) for process in running], axis=0)
        return float(sums[0]), float(sums[1])
    finally:
        for process in running:
            process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--walk", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.walk:
        walk(options.batch)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"AIKD_TUNE_CACHE": folder, "IMAGES": str(options.images), "SIDE": str(options.side)}
        size = options.images * 3 * options.side**2 / MIB
        print(f"{options.images} images of {options.side}x{options.side}x3: {size:.0f} MiB; batches of {options.batch}")
        print(f"{'processes':>9}{'PSS, all':>12}{'of images':>12}{'copies':>12}   MiB, summed over the processes")
        for processes in (1, options.processes):
            whole, mapped = measure(processes, options.batch)
            print(f"{processes:9}{whole:12.0f}{mapped:12.0f}{processes * size:12.0f}")


if __name__ == "__main__":
    main()
