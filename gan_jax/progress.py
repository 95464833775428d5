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
    begun = last = time.monotonic()
    for number in range(total):
        if (now := time.monotonic()) - last > SECONDS:
            left = (now - begun) / max(number, 1) * (total - number)
            print(f"{title}: {number:,} of {total:,} {unit}, {left / 60:.0f} min left", file=sys.stderr, flush=True)
            last = now
        yield number
