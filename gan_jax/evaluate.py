"""Evaluations: of a run while it is trained and afterwards, and of any two sets."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax import images
from gan_jax.averages import AVERAGES
from gan_jax.data import Source
from gan_jax.errors import UserError
from gan_jax.evaluation import features as feature_files
from gan_jax.evaluation import metrics as metric_files
from gan_jax.evaluation.features import needs_download, open_features, resolve_features
from gan_jax.evaluation.measure import Report, best_so_far, make_evaluator, plain, stamp
from gan_jax.evaluation.metrics import EvalInputs, Model, choose, own_metrics
from gan_jax.evaluation.real_sets import full_name, open_set, real_for_maps, real_for_noise, some_of
from gan_jax.experiment import Experiment
from gan_jax.files import claim, replacing
from gan_jax.game import Map, State, Variables
from gan_jax.perceptual import open_perceptual
from gan_jax.run import load
from gan_jax.sampling import (
    CALIBRATED_ON,
    from_noise,
    generated,
    given_for,
    has_targets,
    labels_for,
    make_averager,
    told,
)

__all__ = [
    "Report",
    "best_so_far",
    "evaluate_run",
    "evaluate_sets",
    "is_monitored",
    "make_monitor",
]


def evaluate_run(
    workdir: Path,
    *,
    fake: str | None = None,
    real: str | None,
    num: int,
    seed: int,
    metrics: str,
    features: str,
    checkpoint: str,
    ema: bool | str,
    out: Path | None,
    overwrite: bool = False,
) -> Report:
    """Measures what a run makes against its data set; prints and writes the report.

    Args:
        workdir: of the run.
        fake: another data set in place of what the run makes from noise, of which at most `num` examples are chosen at
            random, such as real ones, as a ceiling; None: none.
        real: another data set to compare with, see `open_set`; None: the run's own.
        num: samples; of what a map makes of examples, at most so many.
        seed: of the samples.
        metrics: see `gan_jax.evaluation.metrics.choose`.
        features: see `gan_jax.evaluation.features.resolve_features`.
        checkpoint: "best", "last" or a number of rounds.
        ema: see `Run.variables`.
        out: the JSON file; None: a line more of evaluations.jsonl in the workdir. The picture of neighbors lies
            beside it.
        overwrite: whether `out` may replace another report.

    Raises:
        UserError: see its message.
    """
    run = load(workdir, checkpoint)
    file = out or Path(workdir) / "evaluations.jsonl"
    claim(file, overwrite or out is None)
    config, experiment, step = run.config, run.experiment, int(run.state.step)
    name, game_map = full_name(real) if real else "", main_map(experiment)
    source, called = open_real(config, experiment, game_map, None, name, num, seed)
    # A run of an older version does not know what fits its data, which the data do.
    field = experiment.fields[game_map.makes] if real else source.fields[source.target]
    in_config = config.evaluation.features
    kind = resolve_features(features, field, in_config=in_config, has_targets=has_targets(source, game_map))
    opened = open_features(kind, field, "--features" if features != "auto" else feature_files.KEY)
    if fake:
        others, called_fake = real_for_noise(config, None, fake, experiment.fields[game_map.makes])
        examples, model = others.select(np.random.default_rng(seed).permutation(len(others))[:num]), None
        about = {"source": called_fake, "fit": config.data.fit}
    else:
        fakes, labels = make_fakes(experiment, game_map, source, num, seed)
        variables = run.variables(ema)
        examples, model = fakes(variables), Model(experiment.game, game_map, variables)
        about = about_samples(config, experiment, run.state, f"{workdir} round {step} ({checkpoint})", ema, labels)
    chosen = choose(metrics, EvalInputs(source, examples, opened, seed, model), watched_metrics(experiment))
    evaluate = make_evaluator(source, opened, num, {"source": called, "fit": config.data.fit}, seed)
    report = evaluate(examples, chosen, about, model)
    publish(report, file)
    return report


def evaluate_sets(
    a: str,
    b: str,
    *,
    image_size: str,
    num: int,
    seed: int,
    metrics: str,
    features: str,
    out: Path | None,
    overwrite: bool = False,
) -> Report:
    """Measures one set of examples against another one, which takes the part of the real one.

    Args:
        a, b: see `open_set`.
        image_size: "native", or what both are resized to first.
        num: of a, at most so many are used, chosen at random.
        seed, metrics, features, overwrite: see `evaluate_run`.
        out: the JSON file; None: nothing is written.

    Raises:
        UserError: see its message.
    """
    if out is not None:
        claim(out, overwrite)
    fake, real = open_set(a, image_size, "crop"), open_set(b, image_size, "crop")
    fields = [source.fields[source.target] for source in (fake, real)]
    if (fields[0].modality, fields[0].shape) != (fields[1].modality, fields[1].shape):
        found = " and ".join("x".join(map(str, field.shape)) for field in fields)
        cure = "--image_size=N resizes both, and all must be gray or all in color"
        raise UserError(f"{a} and {b} differ, {found}: {cure}")
    kind = resolve_features(features, fields[1], in_config="auto", has_targets=False)
    opened = open_features(kind, fields[1])
    # Some metrics look at parts of the set, and a folder's classes lie one after the other.
    fake = fake.select(np.random.default_rng(seed).permutation(len(fake))[:num])
    chosen = choose(metrics, EvalInputs(real, fake, opened, seed), fields[1].modality.metrics)
    about = {"image_size": image_size, "fit": "crop"}
    report = make_evaluator(real, opened, len(fake), {"source": b, **about}, seed)(fake, chosen, {"source": a, **about})
    publish(report, out)
    return report


def main_map(experiment: Experiment) -> Map:
    """The map that is evaluated: the first one that makes what the data set is about.

    Raises:
        UserError: there is none.
    """
    target = next(iter(experiment.fields))
    for game_map in experiment.game.maps.values():
        if game_map.makes == target:
            return game_map
    raise UserError(f"this game makes no {target}, so there is nothing to compare with the data")


def watched_metrics(experiment: Experiment) -> tuple[str, ...]:
    """The names of what is measured while training, where it can be: those of the modalities that the game makes."""
    made = (experiment.fields[each.makes].modality for each in experiment.game.maps.values())
    return tuple(dict.fromkeys(name for modality in made for name in modality.metrics))


def open_real(
    config: Any, experiment: Experiment, game_map: Map, source: Source | None, name: str, num: int, seed: int
) -> tuple[Source, str]:
    """What the examples that a map makes are compared with, and what to call it; see `gan_jax.evaluation.real_sets`."""
    field = experiment.fields[game_map.makes]
    if from_noise(game_map):
        return real_for_noise(config, source, name, field)
    source, called = real_for_maps(config, source, name, experiment.fields)
    return some_of(config, source, num, seed), called


def make_fakes(
    experiment: Experiment, game_map: Map, source: Source, num: int, seed: int
) -> tuple[Callable[[Variables], Source], str]:
    """`variables -> what is measured`, and what to say of its labels.

    It is `num` examples from noise, of labels as frequent as in the source if it has those classes; or what the map
    makes of each example of the source.
    """
    given, labels = {}, "none"
    if not from_noise(game_map):
        given, num = given_for(source, game_map), len(source)
    elif game_map.given:
        names = experiment.fields["label"].names
        given, labels = {"label": labels_for(num, names)}, "each in turn"
        if len(source.class_names) == len(names):
            shuffled = np.random.default_rng(seed).permutation(source.labels)
            given, labels = {"label": np.resize(shuffled, num)}, "as in the real set"
    fields = experiment.fields
    return lambda variables: generated(game_map, fields, variables, given, num, seed), labels


def about_samples(
    config, experiment: Experiment, state: State, source: str, ema: bool | str, labels: str
) -> dict[str, str]:
    """What the protocol says of samples."""
    statistics = "none"
    if any(len(state.variables[player].keys() - {AVERAGES}) > 1 for player in state.ema):
        own = ema and experiment.game.calibrate
        statistics = f"re-estimated from {CALIBRATED_ON:,} samples" if own else "running averages of training"
    about = {
        "source": source,
        "generator": f"averaged, half-life {ema} kimg" if isinstance(ema, str) else "averaged" if ema else "newest",
        "batch_statistics": statistics,
        "labels": labels,
        "truncation": "none",
    }
    target = next(iter(experiment.fields.values()))
    for name, term in config.get("terms", {}).items():
        if isinstance(term, ConfigDict) and "features" in term:  # of a network that is a part of the loss
            about[name] = open_perceptual(term.features, target.shape[-1]).name
    return about


def publish(report: Report, out: Path | None) -> None:
    """Prints the numbers with their protocol, and writes them: a .json file anew, a line more of a .jsonl file.

    The picture lies beside it, under a name of its own for each picture.
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
        picture = out.with_name(f"neighbors_{hashlib.sha256(report.picture.tobytes()).hexdigest()[:8]}.png")
        if not picture.exists():  # if it does, it is this one
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


def is_monitored(config, experiment: Experiment, source: Source) -> bool:
    """Whether a run is evaluated while it is trained; "auto": only if nothing must be downloaded for it.

    Args:
        config: of the run.
        experiment: of the run.
        source: what it is trained on.
    """
    in_config, target = config.evaluation.features, source.target
    if in_config != "auto":
        return in_config != "none"
    game_map = next((each for each in experiment.game.maps.values() if each.makes == target), None)
    if game_map is None:
        return False
    in_pairs = "unpaired" not in source.splits or config.data.pair != "none"  # see `real_for_maps`
    targets = in_pairs and not told(game_map)
    kind = resolve_features("auto", source.fields[target], in_config="auto", has_targets=targets)
    return bool(kind) and not needs_download(kind)


def make_monitor(config, experiment: Experiment, source: Source) -> Callable[[State], Report]:
    """`state -> Report` of what the averaged parameters make, to be called while training.

    Raises:
        UserError: features or metrics that do not fit the data.
    """
    own, game_map = config.evaluation, main_map(experiment)
    real, called = open_real(config, experiment, game_map, source, "", own.num, config.seed)
    field = experiment.fields[game_map.makes]
    kind = resolve_features("auto", field, in_config=own.features, has_targets=has_targets(real, game_map))
    features = open_features(kind, field, feature_files.KEY)
    fakes, labels = make_fakes(experiment, game_map, real, own.num, config.seed)
    evaluate = make_evaluator(real, features, own.num, {"source": called, "fit": config.data.fit}, config.seed)
    average = make_averager(experiment.game)
    inputs = EvalInputs(real, fakes({}), features, config.seed, Model(experiment.game, game_map, {}))
    metrics = choose(own.metrics, inputs, watched_metrics(experiment), metric_files.KEY)
    if not any(metric.better for metric in metrics.values()):
        *names, last = (name for name, metric in own_metrics().items() if metric.better)
        able = f"{', '.join(names)} and {last}"
        raise UserError(f"{metric_files.KEY}={own.metrics}: one of {able} must select the best round")

    def monitor(state: State) -> Report:
        state = jax.device_get(state)
        about = about_samples(config, experiment, state, f"round {int(state.step)}", True, labels)
        variables = average(state)
        return evaluate(fakes(variables), metrics, about, Model(experiment.game, game_map, variables))

    return monitor
