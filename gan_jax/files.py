"""Files that are whole or not there."""

import contextlib
import secrets
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path):
    """A binary file to write that takes its name only when complete, so two processes may write the same one."""
    partial = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
