"""What the metrics compare of two sets: statistics of the features of all examples, from one pass over each set."""

import hashlib
import json
import sys
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np

from gan_jax import __version__
from gan_jax.data import Source
from gan_jax.data.cache import cache_folder
from gan_jax.errors import UserError
from gan_jax.evaluation.features import Features
from gan_jax.evaluation.moments import Moments, merge, moments
from gan_jax.files import replacing
from gan_jax.runners import spread_over_devices

FORMAT = 2  # of what is kept of real sets: raise it when that, or how features are computed, changes
BLOCK = 1024  # examples whose moments are computed at once: a merge costs as much as that of a thousand


class FeatureStats(NamedTuple):
    """What one pass over a set leaves.

    Attributes:
        moments: of the features of all examples.
        rows: int [n], the examples of which more than that was kept.
        features: float32 [n, F], theirs.
        logits: float32 [n, K], or [n, 0] where there are none, or none are kept.
    """

    moments: Moments
    rows: np.ndarray
    features: np.ndarray
    logits: np.ndarray


def stream(source: Source, features: Features, title: str) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
    """One pass over a set, on all devices of this host, under a progress bar with that title.

    Yields:
        The number of the first example of a chunk, and the chunk's features [n, F] and logits [n, K] (or None).

    Raises:
        UserError: a feature is not finite.
    """
    from tqdm import tqdm

    replicated, sharded = spread_over_devices()
    apply, params = jax.jit(features.apply), jax.device_put(features.params, replicated)
    chunk, target = features.chunk * jax.local_device_count(), source.target

    def begin(start):
        rows = np.arange(start, start + chunk) % len(source)  # always a whole chunk
        return start, apply(params, jax.device_put(source.read(rows, (target,))[target], sharded))

    def finish(start, results):
        count = min(chunk, len(source) - start)
        bar.update(count)
        vectors, logits = (None if part is None else np.asarray(part)[:count] for part in results)
        if not np.isfinite(vectors).all():
            raise UserError(f"{title}: some are not finite, or their features are not, so nothing can be measured")
        return start, vectors, logits

    bar = tqdm(total=len(source), desc=title, unit=" examples", leave=False, disable=not sys.stderr.isatty())
    # With the 10 bits of a GPU's default, numbers would not be those of a CPU.
    with bar, jax.default_matmul_precision("highest"):
        ahead = begin(0)
        for start in range(chunk, len(source), chunk):
            last, ahead = ahead, begin(start)  # the device works on it while the caller works on the last one
            yield finish(*last)
        yield finish(*ahead)


def compute_stats(source: Source, features: Features, rows: np.ndarray, title: str) -> FeatureStats:
    """What one pass over a set leaves.

    Args:
        source: whose target is compared.
        features: see there; with an `apply`.
        rows: int [n], ascending: of which examples features and logits are kept.
        title: see `stream`.
    """
    total, block, kept, logits = None, [], [], []
    for start, vectors, scores in stream(source, features, title):
        end = start + len(vectors)
        mine = rows[np.searchsorted(rows, start) : np.searchsorted(rows, end)] - start
        kept.append(vectors[mine])
        logits.append(np.empty((len(mine), 0), np.float32) if scores is None else scores[mine])
        block.append(vectors)
        if end == len(source) or sum(map(len, block)) >= BLOCK:
            new = moments(np.concatenate(block))
            total, block = new if total is None else merge(total, new), []
    return FeatureStats(total, rows, np.concatenate(kept), np.concatenate(logits))


def content_hash(source: Source) -> str:
    """SHA-256 of a set's targets and labels (zeros if it has none), in their order."""
    from tqdm import tqdm

    target = source.target
    names = tuple(name for name in (target, "label") if name in source.fields)
    digest = hashlib.sha256(json.dumps([len(source), *source.fields[target].shape]).encode())
    starts = range(0, len(source), BLOCK)
    for start in tqdm(starts, "reading", unit_scale=BLOCK, leave=False, disable=not sys.stderr.isatty()):
        rows = np.arange(start, min(start + BLOCK, len(source)))
        examples = {"label": np.zeros(len(rows), np.int32), **source.read(rows, names)}
        for name in (target, "label"):
            digest.update(np.ascontiguousarray(examples[name]))
    return digest.hexdigest()


def cached_stats(source: Source, features: Features, rows: np.ndarray, title: str, sha256: str) -> FeatureStats:
    """`compute_stats` of a real set of that content, without logits; from the cache if it was computed before."""
    key = repr((FORMAT, __version__, sha256, features.name, rows.tobytes()))
    path = cache_folder() / "features" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    no_logits = np.empty((len(rows), 0), np.float32)
    try:
        with np.load(path) as file:
            known = Moments(int(file["count"]), file["mean"], file["scatter"])
            return FeatureStats(known, rows, file["features"], no_logits)
    except Exception:  # not there, or damaged: NumPy and zipfile have many ways to say so
        stats = compute_stats(source, features, rows, title)._replace(logits=no_logits)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(file, **stats.moments._asdict(), features=stats.features)
    except OSError as error:
        print(f"not kept for the next time: {path.parent} cannot be written ({error.strerror})", file=sys.stderr)
    return stats
