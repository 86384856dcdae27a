"""Ctrl-C ends a run between two steps, so that what is saved is whole."""

import signal
import threading
from types import FrameType
from typing import Self


class StopAtStep:
    """While a ``with`` block runs, note Ctrl-C in ``asked`` rather than raise; a second one raises at once.

    Nothing changes where it is not ``in_one_process``, for processes that train together would stop at different steps
    and wait for each other, and where a thread other than the first trains.
    """

    def __init__(self, *, in_one_process: bool) -> None:
        self.asked = False
        self.active = in_one_process and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        if self.active:
            self.before = signal.getsignal(signal.SIGINT)
            self.active = callable(self.before)  # where Ctrl-C is ignored, it still is
        if self.active:
            signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *error: object) -> None:
        if self.active:
            signal.signal(signal.SIGINT, self.before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
