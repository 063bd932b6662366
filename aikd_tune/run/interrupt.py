"""Ctrl-C and SIGTERM: once drains the run, twice leaves at once."""

import signal
from types import FrameType


class Interrupt:
    """Counts signals; installed after Ray, which installs handlers of its own."""

    def __init__(self) -> None:
        self.count = 0
        self.signal_name = ""

    def install(self) -> None:
        """Take over SIGINT and SIGTERM for the rest of the process's life."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Ray must not be called in a handler: the drain request is sent from the driver's loop.
        self.count += 1
        self.signal_name = signal.Signals(number).name
        if self.count > 1:
            raise KeyboardInterrupt
