"""``aikd-tune init``."""

from pathlib import Path

from aikd_tune.errors import UsageError
from aikd_tune.spec import starter


def init_command(path: Path) -> int:
    """Write the starter study, unless a file is there."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter())
    except FileExistsError:
        raise UsageError(f"{path}: must not exist yet; it was left as it is") from None
    except OSError as error:
        raise UsageError(f"{path}: must be a file that can be written, found {error.strerror}") from None
    print(f"{path}: edit it, then: aikd-tune check {path} && aikd-tune run {path}")
    return 0
