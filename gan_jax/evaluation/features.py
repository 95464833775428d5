"""What the metrics compare: the features of a network, of every image of a set, from one pass over it."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import __version__
from gan_jax.data import Source
from gan_jax.data.cache import cache_folder
from gan_jax.errors import UserError
from gan_jax.evaluation import classifier, inception
from gan_jax.evaluation.moments import Moments, merge, moments
from gan_jax.evaluation.resize import clean
from gan_jax.files import replacing
from gan_jax.runners import spread_over_devices

FORMAT = 1  # of what is kept of real sets: raise it when that, or how features are computed, changes
STOCK = 1024  # examples whose moments are taken at once: a merge costs as much as that of a thousand
KINDS = "auto, points, pixels, classifier[:FILE.npz], inception[:FILE.pth], inception_clean[:FILE.pth]"


class Features(NamedTuple):
    """A network that sees images, or the coordinates of points.

    Attributes:
        kind: "points", "pixels" (no features: images are compared as they are), "classifier" or "inception".
        name: with the network's SHA-256 and how images are resized for it, for the protocol; and for the cache.
        params: of the network.
        see: the pure function (params, images uint8 [B, H, W, C]) -> (pool [B, F], logits [B, K]). It takes float
            images in [0, 255] too. Points have no logits: it returns None in their place.
        chunk: images that a device sees at a time.
    """

    kind: str
    name: str
    params: Any
    see: Callable
    chunk: int


def open_features(name: str, source: Source, source_name: str) -> Features:
    """The features that a person asks for.

    Args:
        name: one of the `KINDS`. "auto" is points for points, the embedded classifier for digits, else Inception.
        source: what they are to see.
        source_name: the config's data.source.

    Raises:
        UserError: there are no such features, or they don't fit the source.
    """
    is_points = len(source.image_shape) == 1
    if name == "auto":
        name = "points" if is_points else "classifier" if is_digits(source, source_name) else "inception"
    kind, _, path = name.partition(":")
    if kind in ("points", "pixels", "classifier", "inception", "inception_clean") and is_points != (kind == "points"):
        raise UserError(f"features={name}: {source_name} has {'points' if is_points else 'images'}, so it can't be")
    match kind:
        case "points" if not path:
            return Features("points", "points as they are", None, lambda _, points: (points, None), 4096)
        case "pixels" if not path:
            see = lambda params, images: (jnp.zeros((len(images), 1)), None)
            return Features(kind, "pixels as they are", None, see, 256)
        case "classifier":
            own = classifier.load(*[Path(path).expanduser()] if path else [])
            size, label = own.image_shape[:2], f"classifier {path or 'digits'} {own.sha256[:12]}"
            fit = lambda images: images
            if path and source.image_shape[:2] != size:  # that of digits is for digits as they are
                fit, label = partial(clean, size=size), f"{label}, clean resize to {size[0]}x{size[1]}"
            see = lambda params, images: classifier.features(own._replace(params=params), fit(images))
            features = Features(kind, label, own.params, see, 256)
        case "inception" | "inception_clean":
            resize = "clean" if kind == "inception_clean" else "legacy"
            params, sha256 = inception.load(Path(path).expanduser() if path else None)
            see = lambda params, images: inception.features(params, images, resize)
            features = Features("inception", f"inception {sha256[:12]}, {resize} resize to 299x299", params, see, 64)
        case _:
            raise UserError(f"features={name}: must be one of {KINDS}")
    shape = jax.ShapeDtypeStruct((1, *source.image_shape), np.uint8)
    jax.eval_shape(features.see, features.params, shape)  # raises what `see` raises about images that do not fit
    return features


def is_digits(source: Source, source_name: str) -> bool:
    """Whether the embedded classifier of digits is made for this set."""
    of_digits = source_name.split(":")[:2] in (["digits"], ["stacked_digits"], ["tfds", "mnist"])
    return of_digits and source.image_shape[:2] == (28, 28)


class Seen(NamedTuple):
    """What one pass over a set leaves.

    Attributes:
        moments: of the features of all examples.
        rows: int [n], the examples of which more than that was kept.
        pool: float32 [n, F], their features.
        logits: float32 [n, K], or [n, 0] where there are none, or none are kept.
    """

    moments: Moments
    rows: np.ndarray
    pool: np.ndarray
    logits: np.ndarray


def stream(source: Source, features: Features, title: str) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
    """One pass over a set, on all devices of this host, under a progress bar with that title.

    Yields:
        The number of the first example of a chunk, and the chunk's pool [n, F] and logits [n, K] (or None).

    Raises:
        UserError: a feature is not finite.
    """
    from tqdm import tqdm

    whole, split = spread_over_devices()
    see, params = jax.jit(features.see), jax.device_put(features.params, whole)
    chunk = features.chunk * jax.local_device_count()

    def begin(start):
        batch = source.read(np.arange(start, start + chunk) % len(source))["image"]  # always a whole chunk
        return start, see(params, jax.device_put(batch, split))

    def finish(start, seen):
        count = min(chunk, len(source) - start)
        bar.update(count)
        pool, logits = (None if part is None else np.asarray(part)[:count] for part in seen)
        if not np.isfinite(pool).all():
            raise UserError(f"{title}: some are not finite, or their features are not, so nothing can be measured")
        return start, pool, logits

    bar = tqdm(total=len(source), desc=title, unit=" images", leave=False, disable=not sys.stderr.isatty())
    # With the 10 bits of a GPU's default, numbers would not be those of a CPU.
    with bar, jax.default_matmul_precision("highest"):
        ahead = begin(0)
        for start in range(chunk, len(source), chunk):
            last, ahead = ahead, begin(start)  # the device works on it while the caller takes stock of the last one
            yield finish(*last)
        yield finish(*ahead)


def look(source: Source, features: Features, rows: np.ndarray, title: str) -> Seen:
    """What one pass over a set leaves.

    Args:
        source: images or points.
        features: see there.
        rows: int [n], ascending: of which examples features and logits are kept.
        title: see `stream`.
    """
    total, stock, pools, logits = None, [], [], []
    for start, pool, scores in stream(source, features, title):
        end = start + len(pool)
        mine = rows[np.searchsorted(rows, start) : np.searchsorted(rows, end)] - start
        pools.append(pool[mine])
        logits.append(np.empty((len(mine), 0), np.float32) if scores is None else scores[mine])
        stock.append(pool)
        if end == len(source) or sum(map(len, stock)) >= STOCK:
            new = moments(np.concatenate(stock))
            total, stock = new if total is None else merge(total, new), []
    return Seen(total, rows, np.concatenate(pools), np.concatenate(logits))


def content_hash(source: Source) -> str:
    """SHA-256 of a set's images and labels, in their order."""
    from tqdm import tqdm

    digest = hashlib.sha256(json.dumps([len(source), *source.image_shape]).encode())
    starts = range(0, len(source), STOCK)
    for start in tqdm(starts, "reading", unit_scale=STOCK, leave=False, disable=not sys.stderr.isatty()):
        examples = source.read(np.arange(start, min(start + STOCK, len(source))))
        for name in ("image", "label"):
            digest.update(np.ascontiguousarray(examples[name]))
    return digest.hexdigest()


def look_once(source: Source, features: Features, rows: np.ndarray, title: str, sha256: str) -> Seen:
    """`look` at a real set of that content, whose logits are not kept; from the cache if it was seen before."""
    key = repr((FORMAT, __version__, sha256, features.name, rows.tobytes()))
    path = cache_folder() / "seen" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    try:
        with np.load(path) as file:
            seen = Moments(int(file["count"]), file["mean"], file["scatter"]), rows, file["pool"]
            return Seen(*seen, np.empty((len(rows), 0), np.float32))
    except Exception:  # not there, or damaged: NumPy and zipfile have many ways to say so
        seen = look(source, features, rows, title)._replace(logits=np.empty((len(rows), 0), np.float32))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(file, **seen.moments._asdict(), pool=seen.pool)
    except OSError as error:
        print(f"not kept for the next time: {path.parent} cannot be written ({error.strerror})", file=sys.stderr)
    return seen
