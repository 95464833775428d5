"""Evaluations: of a run while it is trained and afterwards, and of any two sets."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax import data, images
from gan_jax.errors import UserError
from gan_jax.evaluation.features import is_digits, open_features
from gan_jax.evaluation.measure import JUDGES, Report, choose, make_evaluator, plain, stamp
from gan_jax.evaluation.path_length import slerp
from gan_jax.experiment import Experiment
from gan_jax.game import Game, State, Variables
from gan_jax.noise import per_example
from gan_jax.sampling import CALIBRATED_ON, as_source, labels_for, load_run, make_averager


def evaluate_run(
    workdir: Path,
    *,
    real: str | None,
    num: int,
    seed: int,
    metrics: str,
    features: str,
    checkpoint: str,
    ema: bool,
    out: Path | None,
) -> Report:
    """Measures samples of a run against its data set, tells and writes the report.

    Args:
        workdir: of the run.
        real: another data set to compare with, see `open_set`; None: the run's own.
        num: samples.
        seed: of the samples.
        metrics: see `gan_jax.evaluation.measure.choose`.
        features: see `gan_jax.evaluation.features.open_features`; "auto" is what the run's config says.
        checkpoint: "best", "last" or a number of rounds.
        ema: whether of the averaged generator.
        out: the JSON file; None: evaluation/STEP.json in the workdir. The picture of nearest neighbours lies beside it.

    Raises:
        UserError: see its message.
    """
    run = load_run(workdir, checkpoint)
    shape, step = tuple(run.record["image_shape"]), int(run.state.step)
    real_name = real or run.config.data.source
    size = "x".join(map(str, shape[:2])) if len(shape) == 3 else "native"
    source = open_set(real, size) if real else data.open_source(run.config.data)
    if source.image_shape != shape:
        raise UserError(f"{real_name} has examples {list(source.image_shape)}, {workdir} makes {list(shape)}")
    if features == "auto" and run.config.evaluation.features != "none":
        features = run.config.evaluation.features
    seen = open_features(features, source, real_name)
    game = run.experiment.game
    variables = make_averager(game)(run.state) if ema else run.state.variables
    fake = as_source(game, variables, labels_like(source, run.experiment.num_classes, num, seed), shape, seed)
    paths = make_paths(game, variables, fake.labels, seed) if game.decode else None
    chosen = choose(metrics, seen, source, fake, paths)
    about = about_samples(run.experiment, run.state, f"{workdir} round {step} ({checkpoint})", ema)
    report = make_evaluator(source, seen, num, {"source": real_name}, seed)(fake, chosen, about, paths)
    tell(report, out or workdir / "evaluation" / f"{step:06}.json")
    return report


def evaluate_sets(
    a: str, b: str, *, image_size: str, num: int, seed: int, metrics: str, features: str, out: Path | None
) -> Report:
    """Measures one set of images, or points, against another one, which takes the part of the real one.

    Args:
        a, b: see `open_set`.
        image_size: "native", or what both are resized to first.
        num: of a, at most so many are looked at, chosen at random.
        seed, metrics, features, out: see `evaluate_run`; without `out` nothing is written.

    Raises:
        UserError: see its message.
    """
    fake, real = open_set(a, image_size), open_set(b, image_size)
    if fake.image_shape != real.image_shape:
        found = " and ".join("x".join(map(str, source.image_shape)) for source in (fake, real))
        raise UserError(f"{a} and {b} differ in size, {found}: resize both with --image_size=N")
    seen = open_features(features, real, b)
    chosen = choose(metrics, seen, real, fake, None)
    # Some metrics look at parts of the set, and a folder's classes lie one after the other.
    fake = fake.select(np.random.default_rng(seed).permutation(len(fake))[:num])
    report = make_evaluator(real, seen, num, {"source": b}, seed)(fake, chosen, {"source": a})
    tell(report, out)
    return report


def open_set(path: str, image_size: str) -> data.Source:
    """A folder, .zip or .npz file by its path, or any other data set by the name that a config gives it."""
    expanded, form = Path(path).expanduser(), {".zip": "zip", ".npz": "npz"}
    if expanded.exists() or expanded.suffix in form:
        path = f"{form.get(expanded.suffix, 'folder')}:{path}"
    return data.open_source(ConfigDict({"source": path, "image_size": image_size, "fit": "crop", "skip_broken": False}))


def labels_like(real: data.Source, num_classes: int, num: int, seed: int) -> np.ndarray:
    """The labels [num] for samples: as frequent as in the real set, if it has those classes, else each in turn."""
    if not num_classes or real.num_classes != num_classes:
        return labels_for(num, num_classes)
    return np.resize(np.random.default_rng(seed).permutation(real.labels), num)


def about_samples(experiment: Experiment, state: State, source: str, ema: bool) -> dict[str, str]:
    """What the protocol says of samples."""
    running = any(len(state.variables[player]) > 1 for player in state.ema)
    statistics = f"re-estimated from {CALIBRATED_ON:,} samples" if ema else "running averages of training"
    return {
        "source": source,
        "generator": "averaged" if ema else "newest",
        "batch_statistics": statistics if running else "none",
        "labels": "as in the real set" if experiment.num_classes else "none",
        "truncation": "none",
    }


def make_paths(game: Game, variables: Variables, labels: np.ndarray, seed: int) -> Callable:
    """See `paths` of `make_evaluator`: one a label, along great circles between random latents, at a random place."""
    key_a, key_b, key_t = jax.random.split(jax.random.fold_in(jax.random.key(seed), len(labels)), 3)

    @jax.jit
    def ends(variables, index, condition, epsilon):
        a, b = game.latents(key_a, index), game.latents(key_b, index)
        t = per_example(jax.random.uniform, key_t, index)
        decoded = (game.decode(variables, slerp(a, b, at), condition) for at in (t, t + epsilon))
        return tuple((jnp.clip(image, -1, 1) + 1) * 127.5 for image in decoded)

    def paths(chunk, epsilon):
        for start in range(0, len(labels), chunk):
            index = np.arange(start, start + chunk) % len(labels)  # always a whole chunk
            yield ends(variables, index, labels[index], epsilon)

    return paths


def tell(report: Report, out: Path | None) -> None:
    """Prints the numbers with their protocol, and writes them."""
    for name, value in report.results.items():
        print(f"{name:>14} {value:.6g}")
    print(stamp(report.protocol))
    for warning in report.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}")
    written = {"results": plain(report.results), "protocol": report.protocol, "warnings": report.warnings}
    partial.write_text(json.dumps(written, indent=2) + "\n")
    partial.replace(out)
    print(f"-> {out}")
    if report.picture is not None:
        picture = out.with_name(f"{out.stem}_neighbours.png")
        images.save(report.picture, picture)
        print(f"-> {picture}")


def make_monitor(config, experiment: Experiment, source: data.Source) -> Callable[[State], Report] | None:
    """`state -> Report` of the averaged generator, to be called while training; None if the config wants none.

    Raises:
        UserError: features or metrics that do not fit the data.
    """
    own, name = config.evaluation, config.data.source
    unknown = len(source.image_shape) == 3 and not is_digits(source, name)
    if own.features == "none" or (own.features == "auto" and unknown):
        return None
    features = open_features(own.features, source, name)
    labels = labels_like(source, experiment.num_classes, own.num, config.seed)
    evaluate = make_evaluator(source, features, own.num, {"source": name})
    average = make_averager(experiment.game)

    def fakes(variables):
        return as_source(experiment.game, variables, labels, source.image_shape, config.seed)

    metrics = choose(own.metrics, features, source, fakes({}), None)
    if not set(JUDGES) & set(metrics):
        raise UserError(f"config.evaluation.metrics={own.metrics}: one of {', '.join(JUDGES)} must tell the best round")

    def monitor(state: State) -> Report:
        state = jax.device_get(state)
        about = about_samples(experiment, state, f"round {int(state.step)}", ema=True)
        return evaluate(fakes(average(state)), metrics, about)

    return monitor


def best_so_far(best: dict | None, report: Report, step: int) -> dict:
    """The best round's results, its "step", the "judge" (the metric that told, the smaller the better), and "how".

    A round that was measured in another way than the best one begins a new record.
    """
    results, protocol = report.results, report.protocol
    judge = next(name for name in JUDGES if name in results)
    how = [judge, protocol["features"], protocol["fake"]["count"]]
    if best and best["how"] == how and best[judge] <= results[judge]:
        return best
    return {**results, "step": step, "judge": judge, "how": how}
