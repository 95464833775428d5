"""Samples of the averaged generator, while a game is trained and afterwards."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import config as configs
from gan_jax import images
from gan_jax.checkpoints import Checkpoints
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import Game, State, Variables

CALIBRATION_BATCHES, CALIBRATION_BATCH_SIZE = 32, 64


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


def make_sampler(game: Game, chunk: int = 128) -> Callable:
    """`(variables, key, labels [n]) -> samples [n, ...]`: uint8 images, or float32 points.

    Sample i is the same for every n. Labels are ignored by an unconditional game.
    """
    draw = jax.jit(game.sample)

    def sample(variables: Variables, key: jax.Array, labels: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(labels), chunk):
            index = np.arange(start, start + chunk)  # always a whole chunk: one shape, one compilation
            condition = np.resize(labels[start : start + chunk], chunk)
            parts.append(np.asarray(draw(variables, key, index, condition)))
        samples = np.concatenate(parts)[: len(labels)]
        return images.to_uint8(samples) if samples.ndim == 4 else samples

    return sample


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


def sample_to_file(workdir: Path, out: Path, *, num: int, seed: int, label: int | None, ema: bool) -> None:
    """Draws from a run's newest checkpoint into a picture (.png, .jpg, ...) or an .npz file.

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
    if not (workdir / "config.json").is_file() or not (workdir / "checkpoints").is_dir():
        raise UserError(f"{workdir} holds no trained run: train one with --workdir={workdir} first")
    config = configs.load(workdir / "config.json")

    def experiment(record):
        return build(config, tuple(record["image_shape"]), record["num_classes"])

    found = Checkpoints(workdir / "checkpoints", read_only=True).restore(lambda record: experiment(record).state_shapes)
    if found is None:
        raise UserError(f"{workdir} has no checkpoint yet: train on with --workdir={workdir}")
    state, record = found
    game, num_classes = experiment(record)[:2]
    labels = labels_for(num, num_classes, label)
    variables = make_averager(game)(state) if ema else state.variables
    samples = make_sampler(game)(variables, jax.random.key(seed), labels)
    if out.suffix.lower() == ".npz":
        partial = out.with_name(f".{out.name}")
        with partial.open("wb") as file:
            np.savez_compressed(file, **{"images" if samples.ndim == 4 else "points": samples, "labels": labels})
        partial.replace(out)
    elif samples.ndim == 4:
        images.save(images.grid(samples, None if label is not None else class_columns(labels)), out)
    else:
        images.save(images.draw_points(None, samples, None), out)
    print(f"{num} samples of step {int(state.step)} -> {out}")
