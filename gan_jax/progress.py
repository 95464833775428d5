"""How far long work has come."""

import sys
import time
from collections.abc import Iterator

from tqdm import tqdm

SECONDS = 15  # between two lines in a log


def progress(title: str, total: int, unit: str = "batches") -> Iterator[int]:
    """0, ..., total - 1, under a progress bar on a terminal, else with a line in the log now and then."""
    if sys.stderr.isatty():
        yield from tqdm(range(total), title, unit=f" {unit}", leave=False)
        return
    last = time.monotonic()
    for number in range(total):
        if time.monotonic() - last > SECONDS:
            print(f"{title}: {number:,} of {total:,} {unit}", file=sys.stderr, flush=True)
            last = time.monotonic()
        yield number
