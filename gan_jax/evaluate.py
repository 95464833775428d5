"""Evaluations: of a run while it is trained and afterwards, and of any two sets."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax import data, images
from gan_jax.config import base_config
from gan_jax.data.cache import check_writable
from gan_jax.errors import UserError
from gan_jax.evaluation.features import is_digits, open_features
from gan_jax.evaluation.measure import JUDGED, JUDGES, Report, choose, make_evaluator, plain, stamp
from gan_jax.evaluation.path_length import slerp
from gan_jax.experiment import Experiment
from gan_jax.files import replacing
from gan_jax.game import Game, State, Variables
from gan_jax.noise import per_example
from gan_jax.perceptual import open_perceptual
from gan_jax.sampling import CALIBRATED_ON, as_source, labels_for, load_run, make_averager, translated
from gan_jax.views import translates

CHUNK = 1000  # examples that are classified at once


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
        out: the JSON file; None: a line more of evaluations.jsonl in the workdir. The picture of neighbours lies
            beside it.

    Raises:
        UserError: see its message.
    """
    run = load_run(workdir, checkpoint)
    shape, step = tuple(run.record["image_shape"]), int(run.state.step)
    out, own = out or workdir / "evaluations.jsonl", run.config.data
    check_out(out)
    if run.experiment.view:
        source, real_name = open_translated(run.config, shape, real and full_name(real))
    else:
        size = "x".join(map(str, shape[:2])) if len(shape) == 3 else "native"
        source, real_name = open_set(real, size, own.fit) if real else data.open_source(own), real or own.source
    if source.image_shape != shape:
        raise UserError(f"{real_name} has examples {list(source.image_shape)}, {workdir} makes {list(shape)}")
    if features == "auto" and run.config.evaluation.features != "none":
        features = run.config.evaluation.features
    seen = open_features(features, source, own.source)
    game = run.experiment.game
    variables = make_averager(game)(run.state) if ema else run.state.variables
    source, fakes, whose = make_fakes(run.experiment, source, num, seed)
    fake = fakes(variables)
    paths = make_paths(game, variables, fake.labels, seed) if game.decode else None
    chosen = choose(metrics, seen, source, fake, paths)
    about = about_samples(run.config, run.experiment, run.state, f"{workdir} round {step} ({checkpoint})", ema, whose)
    evaluate = make_evaluator(source, seen, num, {"source": real_name, "fit": own.fit}, seed)
    report = with_test_error(evaluate(fake, chosen, about, paths), game, variables, source)
    tell(report, out)
    return report


def evaluate_sets(
    a: str, b: str, *, image_size: str, num: int, seed: int, metrics: str, features: str, out: Path | None
) -> Report:
    """Measures one set of images, or points, against another one, which takes the part of the real one.

    Args:
        a, b: see `open_set`.
        image_size: "native", or what both are resized to first.
        num: of a, at most so many are looked at, chosen at random.
        seed, metrics, features: see `evaluate_run`.
        out: the JSON file; None: nothing is written.

    Raises:
        UserError: see its message.
    """
    if out is not None:
        check_out(out)
    fake, real = open_set(a, image_size, "crop"), open_set(b, image_size, "crop")
    if fake.image_shape != real.image_shape:
        found = " and ".join("x".join(map(str, source.image_shape)) for source in (fake, real))
        cure = "--image_size=N resizes both, and all must be grey or all in colour"
        raise UserError(f"{a} and {b} differ, {found}: {cure}")
    seen = open_features(features, real, b)
    # Some metrics look at parts of the set, and a folder's classes lie one after the other.
    fake = fake.select(np.random.default_rng(seed).permutation(len(fake))[:num])
    chosen = choose(metrics, seen, real, fake, None)
    about = {"image_size": image_size, "fit": "crop"}
    report = make_evaluator(real, seen, len(fake), {"source": b, **about}, seed)(fake, chosen, {"source": a, **about})
    tell(report, out)
    return report


def open_set(path: str, image_size: str, fit: str) -> data.Source:
    """Any data set by the name that a config gives it, or a folder, .zip or .npz file by its path alone."""
    name, config = full_name(path), base_config().data
    try:
        config.update(source=name, image_size=image_size, fit=fit)
        return data.open_source(config)
    except UserError as error:  # which names the keys of a config
        raise UserError(str(error).replace("data.image_size", "--image_size")) from None


def full_name(path: str) -> str:
    """The name that a config gives a data set; of a folder, .zip or .npz file the path alone will do.

    Raises:
        UserError: there is none.
    """
    if data.is_name(path):
        return path
    place = Path(path).expanduser()
    file = next((each for each in (place, *place.parents) if each.is_file()), None)  # or a folder in a zip file
    forms = {".zip": "zip", ".npz": "npz"}
    if not place.is_dir() and (file is None or file.suffix not in forms):
        raise UserError(f"{path}: there is no such folder, .zip or .npz file, or data set")
    return f"{forms[file.suffix] if file else 'folder'}:{path}"


def open_translated(config, shape: tuple[int, ...], name: str | None = None) -> tuple[data.Source, str]:
    """The pictures on which a game that translates is measured and watched, and what to call them.

    Args:
        config: of the run. They are pairs wherever a picture holds both, even if the game does not learn from pairs.
        shape: of the images that it was trained on.
        name: a data.source; None: `config.evaluation.source`, else the ones held out, else all of the run's own.

    Raises:
        UserError: they cannot be opened, or have another shape.
    """
    own, key = ConfigDict(config.data.to_dict()), name or "config.evaluation.source"
    own.paired = own.paired or own.pair != "none"
    if name := name or config.evaluation.source:
        if own.inputs:
            raise UserError(f"{key}: inputs in another folder are set aside by config.data.held_out instead")
        own.source, own.held_out = name, 0.0
    try:
        source, told = data.open_source(own), own.source
    except UserError as error:
        raise UserError(f"{key}: {error}" if name else str(error)) from None
    if source.held_out is not None:
        source, told = source.held_out, f"{told} (held out {own.held_out:g}, split {own.split_seed})"
    if source.image_shape != shape:
        raise UserError(f"{told} has images {list(source.image_shape)}, the run makes {list(shape)}")
    return source, told


def make_fakes(
    experiment: Experiment, source: data.Source, num: int, seed: int
) -> tuple[data.Source, Callable[[Variables], data.Source], str]:
    """What samples are compared with, `variables -> samples`, and what to say of their labels.

    There are `num` samples; or translations of at most so many examples, and they are compared with these alone.
    """
    if experiment.view:
        if len(source) > num:
            source = source.select(np.sort(np.random.default_rng(seed).permutation(len(source))[:num]))
        return source, lambda variables: translated(experiment.game, experiment.view, variables, source, seed), "none"
    labels, whose = labels_like(source, experiment.num_classes, num, seed)

    def fakes(variables):
        return as_source(experiment.game, variables, labels, experiment.num_classes, source.image_shape, seed)

    return source, fakes, whose


def labels_like(real: data.Source, num_classes: int, num: int, seed: int) -> tuple[np.ndarray, str]:
    """Labels [num] for samples, as frequent as in the real set if it has those classes; and what to say of them."""
    if not num_classes:
        return labels_for(num, 0), "none"
    if real.num_classes != num_classes:
        return labels_for(num, num_classes), "each in turn"
    return np.resize(np.random.default_rng(seed).permutation(real.labels), num), "as in the real set"


def about_samples(config, experiment: Experiment, state: State, source: str, ema: bool, labels: str) -> dict[str, str]:
    """What the protocol says of samples."""
    statistics = "none"
    if any(len(state.variables[player]) > 1 for player in state.ema):
        own = ema and experiment.game.calibrate
        statistics = f"re-estimated from {CALIBRATED_ON:,} samples" if own else "running averages of training"
    about = {
        "source": source,
        "generator": "averaged" if ema else "newest",
        "batch_statistics": statistics,
        "labels": labels,
        "truncation": "none",
    }
    if "perceptual" in state.variables:
        about["perceptual"] = open_perceptual(config.srgan.features, experiment.view.shape[-1]).name
    return about


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


def with_test_error(report: Report, game: Game, variables: Variables, source: data.Source) -> Report:
    """The report with "test_error", the share of the held-out examples that the game gives a wrong class, if it does
    classify and there are any."""
    tests = source.held_out
    if game.classify is None or tests is None:
        return report
    classify, wrong = jax.jit(game.classify), []
    for start in range(0, len(tests), CHUNK):
        examples = tests.read(np.arange(start, start + CHUNK) % len(tests))  # always a whole chunk
        logits = classify(variables, images.to_float(examples["image"]))
        wrong.append(np.asarray(logits).argmax(axis=-1) != examples["label"])
    about = {"held_out": len(tests), "labelled": len(source if source.labelled is None else source.labelled)}
    settings = {**report.protocol["settings"], "test_error": about}
    return report._replace(
        results={**report.results, "test_error": float(np.mean(np.concatenate(wrong)[: len(tests)]))},
        protocol={**report.protocol, "settings": settings},
    )


def check_out(out: Path) -> None:
    """Raises UserError if no report can be written there, or something else would be lost."""
    check_writable(out)
    if out.exists() and '"protocol"' not in out.read_text(errors="replace"):
        raise UserError(f"{out} is there already and is no report: choose another place with --out=FILE.json")


def tell(report: Report, out: Path | None) -> None:
    """Prints the numbers with their protocol, and writes them: a .json file anew, a line more of a .jsonl file.

    The picture lies beside it, under a name of its own for each protocol.
    """
    for name, value in report.results.items():
        print(f"{name:>14} {value:.6g}")
    print(stamp(report.protocol))
    for warning in report.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if out is None:
        return
    written = {"results": plain(report.results), "protocol": report.protocol, "warnings": report.warnings}
    if report.picture is not None:
        picture = out.with_name(f"neighbours_{hashlib.sha256(stamp(report.protocol).encode()).hexdigest()[:8]}.png")
        images.save(report.picture, picture)
        written["picture"] = picture.name
        print(f"-> {picture}")
    if out.suffix == ".jsonl":
        with out.open("a") as file:
            file.write(json.dumps(written) + "\n")
    else:
        with replacing(out) as file:
            file.write((json.dumps(written, indent=2) + "\n").encode())
    print(f"-> {out}")


def monitored(config, source: data.Source) -> bool:
    """Whether a run is evaluated while it is trained: "auto" is only where no network must be fetched for it."""
    pairs = translates(config.data) and (config.data.paired or config.data.pair != "none")
    if config.evaluation.features == "auto" and not pairs:
        return len(source.image_shape) == 1 or is_digits(source, config.data.source)
    return config.evaluation.features != "none"


def make_monitor(config, experiment: Experiment, source: data.Source) -> Callable[[State], Report]:
    """`state -> Report` of the averaged generator, to be called while training.

    Raises:
        UserError: features or metrics that do not fit the data.
    """
    own, name, kind = config.evaluation, config.data.source, config.evaluation.features
    if kind == "auto" and experiment.view and not is_digits(source, name):
        kind = "pixels"
    features = open_features(kind, source, name)
    if experiment.view:
        source, name = open_translated(config, source.image_shape)
    source, fakes, whose = make_fakes(experiment, source, own.num, config.seed)
    evaluate = make_evaluator(source, features, own.num, {"source": name, "fit": config.data.fit}, config.seed)
    average = make_averager(experiment.game)
    metrics = choose(own.metrics, features, source, fakes({}), None)  # which looks at no sample yet
    if not JUDGED & set(metrics):
        raise UserError(
            f"config.evaluation.metrics={own.metrics}: one of fid, kid, dc and pairs must tell the best round"
        )

    def monitor(state: State) -> Report:
        state = jax.device_get(state)
        about = about_samples(config, experiment, state, f"round {int(state.step)}", True, whose)
        variables = average(state)
        return with_test_error(evaluate(fakes(variables), metrics, about), experiment.game, variables, source)

    return monitor


def best_so_far(best: dict | None, report: Report, step: int) -> dict:
    """The results of the best round, with its "step" and the "judge", the result that tells, see `JUDGES`.

    Raises:
        UserError: it was judged by other features, such as a classifier that has been trained anew since.
    """
    judge, features = next(name for name in JUDGES if name in report.results), report.protocol["features"]
    if best and best["features"] != features:
        raise UserError(
            f"round {best['step']}, the best, was judged by {best['features']}, this one by {features}: "
            f"bring that network back, or choose another --workdir"
        )
    if best and JUDGES[judge] * (report.results[judge] - best[judge]) >= 0:
        return best
    return {**report.results, "step": step, "judge": judge, "features": features}
