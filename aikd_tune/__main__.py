"""``python -m aikd_tune``: the same as ``aikd-tune``."""

from aikd_tune.cli.main import main

main()
