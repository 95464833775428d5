"""Every metric of a set of samples against a set of real examples, from one pass over each."""

import functools
import math
import platform
from collections.abc import Callable
from typing import Any, NamedTuple

import flax
import jax
import numpy as np

from gan_jax import __version__
from gan_jax.data import Source
from gan_jax.data.pictures import like
from gan_jax.errors import UserError
from gan_jax.evaluation import classifier
from gan_jax.evaluation.density_coverage import density_coverage
from gan_jax.evaluation.features import Features, Seen, content_hash, look, look_once
from gan_jax.evaluation.frechet_distance import frechet_distance
from gan_jax.evaluation.image_quality import WINDOW, l1, psnr, ssim
from gan_jax.evaluation.inception_score import inception_score
from gan_jax.evaluation.kernel_distance import kernel_distance
from gan_jax.evaluation.mode_coverage import class_coverage, mode_coverage
from gan_jax.evaluation.moments import covariance
from gan_jax.evaluation.nearest_neighbours import nearest_neighbours, neighbours_picture
from gan_jax.evaluation.path_length import path_length
from gan_jax.evaluation.precision_recall import precision_recall
from gan_jax.evaluation.sliced_wasserstein import sliced_wasserstein

CHUNK = 256  # images that are compared at once, pixel by pixel
ENOUGH = 10_000  # samples, for a Fréchet distance whose bias is small
SHOWN, NEIGHBOURS = 12, 6  # samples in the picture of nearest neighbours, and real images beside each
# What else the numbers depend on, as the protocol tells it.
SETTINGS = {
    "kid": {"block_size": 1_000},
    "is": {"splits": 10},
    "pr": {"k": 3},
    "dc": {"k": 5},
    "modes": {"points": 2_500},  # PacGAN's number
    "ppl": {"epsilon": 1e-4},
    "cas": {"images": 50_000},  # on which the classifier is trained, over all epochs
}


class Pair(NamedTuple):
    """What metrics are functions of."""

    real: Seen
    fake: Seen
    real_source: Source
    fake_source: Source
    features: Features
    seed: int
    paths: Callable | None  # see `make_evaluator`


def _fid(pair):
    real, fake = (seen.moments for seen in (pair.real, pair.fake))
    return {"fid": frechet_distance(real.mean, covariance(real), fake.mean, covariance(fake))}


def _kid(pair):
    mean, error = kernel_distance(pair.real.pool, pair.fake.pool, seed=pair.seed, **SETTINGS["kid"])
    return {"kid": mean, "kid_error": error}


def _inception_score(pair):
    mean, deviation = inception_score(pair.fake.logits, **SETTINGS["is"])
    return {"is": mean, "is_deviation": deviation}


def _precision_recall(pair):
    precision, recall = precision_recall(*_as_many(pair), **SETTINGS["pr"])
    return {"precision": precision, "recall": recall}


def _density_coverage(pair):
    density, coverage = density_coverage(*_as_many(pair), **SETTINGS["dc"])
    return {"density": density, "coverage": coverage}


def _as_many(pair):
    """Features of as many real examples as samples: what is near what depends on how many there are."""
    n = min(len(pair.real.pool), len(pair.fake.pool))
    return pair.real.pool[:n], pair.fake.pool[:n]


def _modes(pair):
    if pair.features.kind == "points":
        return mode_coverage(pair.fake.pool[: SETTINGS["modes"]["points"]], *pair.real_source.modes)._asdict()
    num_classes = pair.fake.logits.shape[1]
    labelled = pair.real_source.num_classes == num_classes
    shares = np.bincount(pair.real_source.labels, minlength=num_classes) / len(pair.real_source) if labelled else None
    modes, kl = class_coverage(pair.fake.logits.argmax(axis=1), num_classes, shares)
    return {"modes": modes, "kl": kl, "sure": float(jax.nn.softmax(pair.fake.logits).max(axis=1).mean())}


def _sliced_wasserstein(pair):
    return {"swd": sliced_wasserstein(*_as_many(pair))}


def _path_length(pair):
    see, epsilon = jax.jit(pair.features.see), SETTINGS["ppl"]["epsilon"]
    steps = pair.paths(pair.features.chunk, epsilon)
    with jax.default_matmul_precision("highest"):  # with the 10 bits of a GPU's default a small step is lost
        seen = [[np.asarray(see(pair.features.params, end)[0]) for end in ends] for ends in steps]
    ends = (np.concatenate(end)[: len(pair.fake_source)] for end in zip(*seen, strict=True))
    return {"ppl": path_length(*ends, epsilon)}


def _accuracy_score(pair):
    fake = pair.fake_source.read(np.arange(len(pair.fake_source)))
    fake = Source(fake["image"], fake["label"], pair.real_source.class_names)
    return {"cas": classifier.accuracy_score(fake, pair.real_source, seed=pair.seed, **SETTINGS["cas"])}


def _nearest_neighbours(pair):
    fake = pair.fake.pool[:SHOWN]
    rows, _ = nearest_neighbours(fake, pair.real.pool, NEIGHBOURS)
    fakes = pair.fake_source.read(pair.fake.rows[: len(fake)])["image"]
    reals = pair.real_source.read(pair.real.rows[rows.ravel()])["image"]
    return {"nn": neighbours_picture(fakes, reals.reshape(*rows.shape, *reals.shape[1:]))}


def _pairs(pair):
    """How near the translations are to their targets, and, to compare with, the inputs are, enlarged if smaller."""
    seen = {}
    for start in range(0, len(pair.fake_source), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(pair.fake_source)))
        fake, real = pair.fake_source.read(rows), pair.real_source.read(rows)["image"]
        for name, images in (("", fake["image"]), ("_input", like(fake["input"], real.shape[1:]))):
            for measure in (l1, psnr, ssim):
                if measure is not ssim or min(real.shape[1:3]) >= WINDOW:
                    seen.setdefault(f"{measure.__name__}{name}", []).append(np.asarray(measure(images, real)))
    return {name: float(np.mean(np.concatenate(values))) for name, values in seen.items()}


METRICS = {
    "pairs": _pairs,
    "fid": _fid,
    "kid": _kid,
    "is": _inception_score,
    "pr": _precision_recall,
    "dc": _density_coverage,
    "modes": _modes,
    "swd": _sliced_wasserstein,
    "nn": _nearest_neighbours,
    "ppl": _path_length,
    "cas": _accuracy_score,
}
OF_EACH = {"kid", "pr", "dc", "swd", "nn"}  # they need the features of single real examples, not their moments alone
LEAST = {"fid": 2, "kid": 4, "is": 10, "pr": 4, "dc": 6, "nn": NEIGHBOURS}  # examples of each set
SLOW = {"ppl", "cas"}  # measured when asked for
WATCHED = {"points": {"dc", "modes"}, "images": {"fid", "kid", "modes", "pairs"}}  # measured while training
# The first of these results that there is tells the best round: 1, the smallest; -1, the largest. The sliced
# Wasserstein distance is none of them: chance differences of a mixture's shares are most of it.
JUDGES = {"fid": 1, "kid": 1, "coverage": -1, "ssim": -1, "psnr": -1}
JUDGED = {"fid", "kid", "dc", "pairs"}  # the metrics that they come from


def obstacle(metric: str, features: Features, real: Source, fake: Source, paths: Callable | None) -> str:
    """Why a metric cannot be measured here; "" if it can."""
    is_points, labelled = features.kind == "points", real.num_classes >= 2
    if features.kind == "pixels" and metric != "pairs":
        return "it compares what a network sees: choose features=classifier:FILE or inception"
    if min(len(real), len(fake)) < LEAST.get(metric, 1):
        return f"it needs {LEAST[metric]} examples of each set, and there are {min(len(real), len(fake))}"
    match metric:
        case "pairs" if fake.inputs is None:
            return "it needs a run that translates images, and their targets"
        case "fid" | "kid" if is_points:
            return "means, covariances and cubes of coordinates say little of points: use swd"
        case "is" | "nn" | "cas" | "ppl" if is_points:
            return "it needs images"
        case "swd" if not is_points:
            return "it is for points: use fid or kid"
        case "modes" if is_points and real.modes is None:
            return "the modes of this set are not known: it is for ring and grid"
        case "modes" if features.kind == "inception":
            return "Inception does not know the classes of this set: use --features=classifier:FILE"
        case "ppl" if paths is None:
            return "it needs a run whose generator decodes latents"
        case "cas" if not labelled or fake.num_classes != real.num_classes:
            return "it needs labelled data, and a run that is conditional on the labels"
    return ""


def choose(names: str, features: Features, *context: Any) -> tuple[str, ...]:
    """The metrics that a person asks for.

    Args:
        names: separated by commas; "auto": all that can be measured here but the slow ones; "all": those too;
            "watched": few, to be measured while training.
        features, context: see `obstacle`.

    Raises:
        UserError: an unknown name, or one that cannot be measured here.
    """
    watched = WATCHED["points" if features.kind == "points" else "images"]
    sets = {"auto": METRICS.keys() - SLOW, "all": METRICS.keys(), "watched": watched}
    if names in sets:
        return tuple(metric for metric in METRICS if metric in sets[names] and not obstacle(metric, features, *context))
    chosen = tuple(names.split(","))
    if unknown := [metric for metric in chosen if metric not in METRICS]:
        raise UserError(f"metrics={names}: {unknown[0]!r} is none of auto, all, watched, {', '.join(METRICS)}")
    for metric in chosen:
        if reason := obstacle(metric, features, *context):
            raise UserError(f"metrics={names}: {metric} cannot be measured here: {reason}")
    return chosen


class Report(NamedTuple):
    """Numbers, and how they were made."""

    results: dict[str, float]
    protocol: dict[str, Any]
    warnings: tuple[str, ...]
    picture: np.ndarray | None  # uint8 [H, W, C], samples beside the real images nearest to them


def make_evaluator(real: Source, features: Features, num: int, about: dict, seed: int = 0) -> Callable[..., Report]:
    """`(fake, metrics, about_fake, paths) -> Report`, which sees the real set once (and never again for its content).

    Args:
        real: the real examples.
        features: through which both sets are seen.
        num: of single real examples, at most so many are compared with the samples; moments are of all of them.
        about: the real set, for the protocol.
        seed: of the samples, and of what metrics draw.

    The evaluator's arguments: the samples; names of `METRICS`; what to say of the samples in the protocol;
    `(chunk, epsilon) -> pairs of float images in [0, 255]`, batches of images of latents that lie epsilon apart on
    paths between random ones, or None if there are no latents.
    """
    # Not of the seed: one choice, which the cache then knows.
    chosen = np.sort(np.random.default_rng(0).choice(len(real), min(num, len(real)), replace=False))
    hash_once = functools.cache(lambda: content_hash(real))

    def evaluate(fake: Source, metrics: tuple[str, ...], about_fake: dict, paths: Callable | None = None) -> Report:
        rows, sha256 = chosen if OF_EACH & set(metrics) else chosen[:0], hash_once()
        seen = look_once(real, features, rows, "real images", sha256)
        pair = Pair(seen, look(fake, features, np.arange(len(fake)), "samples"), real, fake, features, seed, paths)
        results = {}
        for metric in metrics:
            results |= METRICS[metric](pair)
        picture = results.pop("nn", None)
        settings = {metric: SETTINGS[metric] for metric in metrics if metric in SETTINGS}
        if features.kind != "points":
            settings.pop("modes", None)  # classes are counted over all samples
        protocol = {
            "features": features.name,
            "real": {**about, "count": len(real), "compared_one_by_one": len(rows), "sha256": sha256},
            "fake": {**about_fake, "count": len(fake)},
            "shape": "x".join(map(str, fake.image_shape)) + (" uint8" if len(fake.image_shape) == 3 else ""),
            "settings": settings,
            "seed": seed,
            "versions": {"gan_jax": __version__, "jax": jax.__version__, "flax": flax.__version__},
            "device": f"{jax.local_device_count()} {jax.devices()[0].device_kind}, Python {platform.python_version()}",
        }
        warnings = []
        if "fid" in metrics and min(len(fake), len(real)) < ENOUGH:
            warnings.append(
                f"fid of {min(len(fake), len(real)):,} examples is too large by a bias that shrinks with their number: "
                f"compare it with figures of the same number only, take {ENOUGH:,} or more, or kid, which has no bias"
            )
        if "nn" in metrics and len(rows) < len(real):
            warnings.append(f"nn looks for neighbours among {len(rows):,} of the {len(real):,} real images only")
        return Report(results, protocol, tuple(warnings), picture)

    return evaluate


def plain(results: dict[str, float]) -> dict[str, float | None]:
    """The results as JSON can hold them: a divergence that is infinite becomes null."""
    return {name: value if math.isfinite(value) else None for name, value in results.items()}


def collapse(results: dict[str, float], best: dict[str, Any]) -> str:
    """What tells of a collapse since the best round, see `gan_jax.evaluate.best_so_far`; "" if nothing does."""
    judge = best["judge"]
    now, then = results[judge], best[judge]
    chance = 5 * results["kid_error"] if judge == "kid" else 0  # an estimate without bias may be 0, or below
    if now > 2 * max(then, chance) if JUDGES[judge] > 0 else now < then / 2:
        return f"{judge} is {now:.4g} after a best of {then:.4g}"
    if best.get("modes", 0) > 0 and results["modes"] <= 0.9 * best["modes"]:
        return f"{results['modes']} modes are left of {best['modes']}"
    return ""


def stamp(protocol: dict[str, Any]) -> str:
    """The protocol in one line."""
    real, fake = protocol["real"], protocol["fake"]
    made, settings, versions = (
        ", ".join(f"{name} {value}" for name, value in part.items())
        for part in (
            {name: value for name, value in fake.items() if name not in ("source", "count")},
            {f"{metric} {name}": value for metric, own in protocol["settings"].items() for name, value in own.items()},
            protocol["versions"],
        )
    )
    return (
        f"{fake['count']:,} of {fake['source']} ({made}) against {real['count']:,} of {real['source']} "
        f"{real['sha256'][:12]}, {protocol['shape']}; {protocol['features']}; {settings}; seed {protocol['seed']}; "
        f"{versions}"
    )
