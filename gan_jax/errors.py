"""What ends a run in one line instead of a traceback."""


class UserError(Exception):
    """A mistake in a command, a config or a file: one line that says what is wrong and what to do. Exit status 2."""


class Diverged(Exception):
    """Training that cannot go on: a loss or a gradient is not finite. Exit status 1."""


class Interrupted(Exception):
    """A clean stop on a signal, everything saved. Exit status 128 + signal."""

    def __init__(self, signal_number: int, message: str):
        super().__init__(message)
        self.signal_number = signal_number
