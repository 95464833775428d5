"""A clean stop: SIGTERM and SIGINT (Ctrl-C) end a run at the next round; a second one ends it at once."""

import signal

import jax
import numpy as np
from jax.experimental import multihost_utils


class StopRequest:
    """A context in which the first signal is noted instead of obeyed."""

    def __enter__(self) -> "StopRequest":
        self.received = 0
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *error) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame) -> None:
        self.received = number
        for again in self._before:
            signal.signal(again, signal.SIG_DFL)

    def agreed(self, now: bool) -> int:
        """The signal to stop for, or 0. Several processes must stop after the same round: they confer when `now`."""
        if jax.process_count() == 1:
            return self.received
        return int(np.max(multihost_utils.process_allgather(np.int32(self.received)))) if now else 0
