"""What this process owes its parent, and what it is to Ray: environment variables, signals, death."""

import ctypes
import os
import signal
import sys

QUIET_RAY = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a trial without a GPU sees none
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # the experiment folder is scratch: nothing reads it
    "TUNE_WARN_THRESHOLD_S": "1e9",
}


def quiet_ray() -> None:
    """Set what Ray reads at import and at start, unless the user has set it already."""
    for name, value in QUIET_RAY.items():
        os.environ.setdefault(name, value)


def die_with_parent() -> None:
    """Let the kernel end this worker with its raylet (Linux): a ghost would go on writing for seconds."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
