"""How soon the images of a study are ready when this machine has decoded them before, beside the first time.

    python benchmarks/second_start.py PATH [--runs 7]

PATH: a folder of Parquet images, such as CIFAR-10's. Every start is a process of its own. ``ready`` is the time from
the end of the imports to training and validation images that can be asked for; ``process`` is the whole of it, torch's
import included.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

START = """
import sys, time
import torch
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.placed import place
from aikd_tune.spec.defaults import fill_data
from aikd_tune.spec.fields import Data
started = time.perf_counter()
data = fill_data(Data(name="parquet_images", path=sys.argv[1]))
facts = describe(data)
placed = place(data, "train", "cpu")
placed.val.images.rows(slice(0, 1))
print(time.perf_counter() - started, facts.num_images)
"""


def start(path: str, cache: str) -> tuple[float, float, int]:
    """Seconds until ready, of the whole process, and the number of training images."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", START, path],
        env=os.environ | {"AIKD_TUNE_CACHE": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    ready, num_images = done.stdout.split()
    return float(ready), time.perf_counter() - began, int(num_images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        first, _, num_images = start(options.path, cache)
        again = [start(options.path, cache) for _ in range(options.runs)]
    ready, whole = [run[0] for run in again], [run[1] for run in again]
    print(f"{num_images:,} images; first start (decoding): {first:.1f} s")
    print(
        f"later starts, n = {options.runs}: ready in {median(ready):.3f} s ({min(ready):.3f} to {max(ready):.3f}), "
        f"process {median(whole):.2f} s ({min(whole):.2f} to {max(whole):.2f})"
    )


if __name__ == "__main__":
    main()
