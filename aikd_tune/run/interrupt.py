"""Ctrl-C and SIGTERM: once drains the run, twice leaves at once."""

import signal
from types import FrameType


class Interrupt:
    """Counts signals."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "Interrupt":
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        self.install()
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def install(self) -> None:
        """Take over SIGINT and SIGTERM; again after Ray has started, which takes them over itself."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Ray must not be called in a handler: the drain request is sent from the driver's loop.
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
