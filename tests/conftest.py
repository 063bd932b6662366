"""One thread for every test: what the numbers depend on is then the same everywhere."""

import os
import sys
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

for _folder in Path(__file__).parent.iterdir():
    if _folder.is_dir():
        sys.path.append(str(_folder))  # small modules of builders beside the tests
