"""Samples of the averaged generator, while a game is trained and afterwards."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax import config as configs
from gan_jax import images
from gan_jax.checkpoints import Checkpoints
from gan_jax.data import Source
from gan_jax.errors import Diverged, UserError
from gan_jax.experiment import Experiment, build
from gan_jax.files import replacing
from gan_jax.game import Game, State, Variables
from gan_jax.images import to_float
from gan_jax.runners import spread_over_devices
from gan_jax.views import View

CALIBRATION_BATCHES, CALIBRATION_BATCH_SIZE = 32, 64
PIXELS = 2**21  # numbers of all images that are translated at once, so that large ones find room
CALIBRATED_ON = CALIBRATION_BATCHES * CALIBRATION_BATCH_SIZE


def make_averager(game: Game) -> Callable[[State], Variables]:
    """`state -> variables` with averaged parameters, and running statistics re-estimated for them.

    The statistics of batch normalisation belong to the parameters under which they were gathered; those of the
    averaged generator are estimated from 32 batches of 64 samples of its own (an exponential average, momentum 0.9).
    """
    calibrate = jax.jit(game.calibrate) if game.calibrate else None

    def average(state: State) -> Variables:
        averaged = {player: {**state.variables[player], "params": params} for player, params in state.ema.items()}
        variables = {**state.variables, **averaged}
        if calibrate and any(len(own) > 1 for own in averaged.values()):
            for batch in range(CALIBRATION_BATCHES):
                index = jnp.arange(CALIBRATION_BATCH_SIZE) + batch * CALIBRATION_BATCH_SIZE
                variables = calibrate(variables, jax.random.key(0), index)
        return variables

    return average


def make_sampler(game: Game, at_once: int = 128) -> Callable:
    """`(variables, key, conditions [n, ...], index [n]) -> samples [n, ...]`: uint8 images, or float32 points.

    Conditions are labels, which an unconditional game ignores, or the images (uint8, or float in [-1, 1]) that a game
    translates. By default the samples are those of index 0 to n - 1; sample i is the same whichever others are drawn
    with it. At most `at_once` are drawn at a time on each device, and fewer cost as much.
    It raises Diverged if a sample is not finite.
    """
    draw = jax.jit(lambda variables, key, index, condition: game.sample(variables, key, index, to_float(condition)))
    whole, split = spread_over_devices()

    def sample(
        variables: Variables, key: jax.Array, conditions: np.ndarray, index: np.ndarray | None = None
    ) -> np.ndarray:
        n = len(conditions)
        index = np.arange(n, dtype=np.int32) if index is None else np.asarray(index, np.int32)
        variables = jax.device_put(variables, whole)
        chunk = max(1, min(at_once, PIXELS // math.prod(conditions.shape[1:]))) * jax.local_device_count()
        parts = []
        for start in range(0, n, chunk):
            rows = start + np.arange(chunk) % min(chunk, n - start)  # always a whole chunk: one compilation
            parts.append(np.asarray(draw(variables, key, *jax.device_put((index[rows], conditions[rows]), split))))
        samples = np.concatenate(parts)[:n]
        if not np.isfinite(samples).all():
            raise Diverged("samples of the generator are not finite")
        return images.to_uint8(samples) if samples.ndim == 4 else samples

    return sample


@dataclasses.dataclass(frozen=True)
class _Drawn:
    """Samples that are drawn when they are read."""

    draw: Callable[[np.ndarray], np.ndarray]
    shape: tuple[int, ...]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.draw(rows)


def as_source(
    game: Game, variables: Variables, labels: np.ndarray, num_classes: int, image_shape: tuple[int, ...], seed: int
) -> Source:
    """Samples as a data set: example i is drawn for labels[i] whenever it is read, and always the same."""
    sample, key = make_sampler(game), jax.random.key(seed)
    variables = jax.device_put(variables, spread_over_devices()[0])
    drawn = _Drawn(lambda rows: sample(variables, key, labels[rows], rows), (len(labels), *image_shape))
    return Source(drawn, labels, tuple(map(str, range(num_classes))))


def translated(game: Game, view: View, variables: Variables, source: Source, seed: int) -> Source:
    """A data set's translations as a data set, whenever they are read: translation i is that of the source's input i.

    It has the inputs too, if they are made of, or belong to, the source's images, uint8 like these.
    """
    sample, look, key = make_sampler(game), jax.jit(view.test), jax.random.key(seed)
    variables = jax.device_put(variables, spread_over_devices()[0])

    def inputs(rows):
        if source.unpaired is not None:
            return source.unpaired.read(rows % len(source.unpaired))["image"]
        batch = {name: to_float(leaf) for name, leaf in source.read(rows).items() if name in ("image", "input")}
        return images.to_uint8(look({**batch, "index": np.asarray(rows, np.int32)})["input"])

    made = _Drawn(lambda rows: sample(variables, key, inputs(rows), rows), (len(source), *source.image_shape))
    shape = (*(side * view.input_shape[0] // view.shape[0] for side in source.image_shape[:2]), view.input_shape[2])
    shown = None if source.unpaired is not None else _Drawn(inputs, (len(source), *shape))
    return Source(made, np.zeros(len(source), np.int32), inputs=shown)


def labels_for(n: int, num_classes: int, label: int | None = None) -> np.ndarray:
    """The labels [n] of n samples: all `label`, or each class in turn; -1 for an unconditional game.

    Raises:
        UserError: a label that the model does not have.
    """
    if label is not None and not num_classes:
        raise UserError(f"--label={label}: this model is unconditional (its labels were not used)")
    if label is not None and not 0 <= label < num_classes:
        raise UserError(f"--label={label}: the labels of this model are 0 to {num_classes - 1}")
    if label is not None:
        return np.full(n, label, np.int32)
    return np.arange(n, dtype=np.int32) % num_classes if num_classes else np.full(n, -1, np.int32)


def class_columns(labels: np.ndarray) -> int | None:
    """As many columns as classes, so that `labels_for` fills a column with each; None if there are too many or none."""
    num_classes = int(labels.max()) + 1
    return num_classes if 0 < num_classes <= 16 else None


class Run(NamedTuple):
    """A trained run, as it lies in a workdir."""

    config: ConfigDict
    experiment: Experiment
    state: State
    record: dict  # what the checkpoint knows, see `gan_jax.train`


def load_run(workdir: Path, checkpoint: str = "last") -> Run:
    """Reads one checkpoint of a run: the "last" whole one, the "best" one, or that of a number of rounds.

    Raises:
        UserError: there is no run, or no such checkpoint.
    """
    if not (workdir / "config.json").is_file() or not (workdir / "checkpoints").is_dir():
        raise UserError(f"{workdir} holds no trained run: train one with --workdir={workdir} first")
    config = configs.load(workdir / "config.json")

    def experiment(record):
        return build(config, tuple(record["image_shape"]), record["num_classes"])

    checkpoints = Checkpoints(workdir / "checkpoints", read_only=True)
    found = checkpoints.restore(lambda record: experiment(record).state_shapes, checkpoint)
    if found is None:
        raise UserError(f"{workdir} has no checkpoint yet: train on with --workdir={workdir}")
    state, record = found
    return Run(config, experiment(record), state, record)


def sample_to_file(
    workdir: Path, out: Path, *, num: int, seed: int, label: int | None, ema: bool, checkpoint: str = "last"
) -> None:
    """Draws from a checkpoint of a run into a picture (.png, .jpg, ...) or an .npz file.

    The .npz holds "images" uint8 [N, H, W, C] (or "points" float32 [N, 2]) and "labels" int32 [N], -1 if the model is
    unconditional.

    Raises:
        UserError: no checkpoint, an unfit label, an output that cannot be written.
    """
    pictures = (".png", ".jpg", ".jpeg", ".webp")
    if out.suffix.lower() not in (".npz", *pictures):
        raise UserError(f"--out={out}: the extension must be .npz or one of {', '.join(pictures)}")
    if out.is_dir():
        raise UserError(f"--out={out}: that is a folder")
    if not out.parent.is_dir():
        raise UserError(f"--out={out}: there is no folder {out.parent}")
    if num < 1:
        raise UserError(f"--num={num}: must be positive")
    _, experiment, state, _ = load_run(workdir, checkpoint)
    if experiment.view:
        raise UserError(f"{workdir} translates images: use --mode=translate --input=FILE_OR_FOLDER --out=FOLDER")
    game, num_classes = experiment.game, experiment.num_classes
    labels = labels_for(num, num_classes, label)
    variables = make_averager(game)(state) if ema else state.variables
    samples = make_sampler(game)(variables, jax.random.key(seed), labels)
    if out.suffix.lower() == ".npz":
        with replacing(out) as file:
            np.savez_compressed(file, **{"images" if samples.ndim == 4 else "points": samples, "labels": labels})
    elif samples.ndim == 4:
        images.save(images.grid(samples, None if label is not None else class_columns(labels)), out)
    else:
        images.save(images.draw_points(None, samples, None), out)
    print(f"{num} samples of step {int(state.step)} -> {out}")
