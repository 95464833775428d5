"""A report: metrics of a set of samples against a set of real examples, from one pass over each, and their protocol."""

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
from gan_jax.errors import UserError
from gan_jax.evaluation.feature_stats import cached_stats, compute_stats, content_hash
from gan_jax.evaluation.features import Features
from gan_jax.evaluation.metrics import EvalInputs, Metrics, Model


class Report(NamedTuple):
    """Numbers, and how they were measured.

    Attributes:
        results: {name: number}.
        protocol: how they were measured.
        warnings: what one must know about them.
        picture: uint8 [H, W, C], samples beside the real examples nearest to them; None: not wanted.
        better: {result that can select the best round: 1, smaller is better; -1, larger}, the first choice first.
    """

    results: dict[str, float]
    protocol: dict[str, Any]
    warnings: tuple[str, ...] = ()
    picture: np.ndarray | None = None
    better: dict[str, int] = {}  # noqa: RUF012 (never changed)


def make_evaluator(real: Source, features: Features, num: int, about: dict, seed: int = 0) -> Callable[..., Report]:
    """`(fake, metrics, about_fake, model) -> Report`; features of the real set are computed once (and never again for
    its content).

    Args:
        real: the real examples.
        features: by which both sets are compared.
        num: of single real examples, at most so many are compared with the samples; moments are of all of them.
        about: the real set, for the protocol.
        seed: of the samples, and of what metrics draw.

    The evaluator's arguments: the samples; the metrics; what the protocol says of the samples; the `Model` that
    generated them, or None.
    """
    # Not of the seed: one choice, which the cache then knows.
    chosen = np.sort(np.random.default_rng(0).choice(len(real), min(num, len(real)), replace=False))
    hash_once = functools.cache(lambda: content_hash(real))

    def evaluate(fake: Source, metrics: Metrics, about_fake: dict, model: Model | None = None) -> Report:
        inputs, rows, sha256 = EvalInputs(real, fake, features, seed, model), chosen, hash_once()
        if not any(metric.needs_each for metric in metrics.values()):
            rows = chosen[:0]
        if any(metric.needs_features for metric in metrics.values()):
            inputs = inputs._replace(
                real_stats=cached_stats(real, features, rows, "real examples", sha256),
                fake_stats=compute_stats(fake, features, np.arange(len(fake)), "samples"),
            )
        results, settings, warnings = {}, {}, []
        for name, metric in metrics.items():
            results |= metric.compute(inputs)
            own = metric.settings(inputs) if callable(metric.settings) else metric.settings
            if own:
                settings[name] = dict(own)
            if warning := metric.warning(inputs):
                warnings.append(warning)
        picture = results.pop("picture", None)
        protocol = {
            "features": features.name,
            "real": {**about, "count": len(real), "compared_one_by_one": len(rows), "sha256": sha256},
            "fake": {**about_fake, "count": len(fake)},
            "shape": stored_as(real),
            "settings": settings,
            "seed": seed,
            "versions": {"gan_jax": __version__, "jax": jax.__version__, "flax": flax.__version__},
            "device": f"{jax.local_device_count()} {jax.devices()[0].device_kind}, Python {platform.python_version()}",
        }
        better = {result: sign for metric in metrics.values() for result, sign in metric.better.items()}
        return Report(results, protocol, tuple(warnings), picture, better)

    return evaluate


def stored_as(source: Source) -> str:
    """The shape of a stored example, and its type if that is not float32."""
    example = source.read(np.arange(1), (source.target,))[source.target][0]
    return "x".join(map(str, example.shape)) + ("" if example.dtype == np.float32 else f" {example.dtype}")


def plain(results: dict[str, float]) -> dict[str, float | None]:
    """The results as JSON can hold them: a divergence that is infinite becomes null."""
    return {name: value if math.isfinite(value) else None for name, value in results.items()}


def best_so_far(best: dict | None, report: Report, step: int) -> dict:
    """The results of the best round, with its "step" and "selected_by", the result that selects it.

    Args:
        best: what this returned before, also in a checkpoint of an older version; None: this is the first round.
        report: of this round. The first of its results that can select the best round does.
        step: this round.

    Raises:
        UserError: the best round was measured by other features, such as a classifier that has been trained anew since.
    """
    features = report.protocol["features"]
    if best and "judge" in best:  # until 0.2
        best = {**best, "selected_by": best["judge"]}
        del best["judge"]
    if best and best["features"] != features:
        raise UserError(
            f"round {best['step']}, the best, was measured by {best['features']}, this one by {features}: "
            f"bring that network back, or choose another --workdir"
        )
    name = next(name for name in report.better if name in report.results)
    if best and name in best and report.better[name] * (report.results[name] - best[name]) >= 0:
        return best
    return {**report.results, "step": step, "selected_by": name, "features": features}


def collapse(report: Report, best: dict[str, Any]) -> str:
    """What in a report is a sign of a collapse since the best round, see `best_so_far`; "" if nothing is."""
    name, results = best["selected_by"], report.results
    now, then = results[name], best[name]
    chance = 5 * results.get(f"{name}_error", 0)  # an estimate without bias may be 0, or below
    if now > 2 * max(then, chance) if report.better[name] > 0 else now < then / 2:
        return f"{name} is {now:.4g} after a best of {then:.4g}"
    if best.get("modes", 0) > 0 and results.get("modes", math.inf) <= 0.9 * best["modes"]:
        return f"{results['modes']} modes are left of {best['modes']}"
    return ""


def stamp(protocol: dict[str, Any]) -> str:
    """The protocol in one line."""
    real, fake = protocol["real"], protocol["fake"]
    samples, settings, versions = (
        ", ".join(f"{name} {value}" for name, value in part.items())
        for part in (
            {name: value for name, value in fake.items() if name not in ("source", "count")},
            {f"{metric} {name}": value for metric, own in protocol["settings"].items() for name, value in own.items()},
            protocol["versions"],
        )
    )
    return (
        f"{fake['count']:,} of {fake['source']} ({samples}) against {real['count']:,} of {real['source']} "
        f"{real['sha256'][:12]}, {protocol['shape']}; {protocol['features']}; {settings}; seed {protocol['seed']}; "
        f"{versions}"
    )
