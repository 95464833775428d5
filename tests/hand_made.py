"""Fields and maps that are made by hand: what such a game makes can be worked out without it."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.source import Source
from gan_jax.experiment import Experiment
from gan_jax.game import Game, Map, State
from gan_jax.modalities import Field, lookup
from gan_jax.noise import per_example

SHAPE, SMALL = (8, 8, 1), (4, 4, 3)
NAMES = ("cat", "dog", "bird")
FIELDS = {
    "image": Field(lookup("image"), SHAPE),
    "label": Field(lookup("label"), (), NAMES),
    "input": Field(lookup("image"), SMALL),
}
PARAMS = {"shift": jnp.float32(0)}


def noise(variables, key, index, given):
    """Uniform in [-1, 1], shifted; the label, if there is one, is the first pixel."""
    made = per_example(jax.random.uniform, key, index, SHAPE) * 2 - 1 + variables["generator"]["params"]["shift"]
    return made if "label" not in given else made.at[:, 0, 0, 0].set(given["label"] / 10)


def negative(variables, key, index, given):
    """The negative of the input, enlarged and gray."""
    gray = -jnp.mean(given["input"], axis=-1, keepdims=True)
    return gray.repeat(2, axis=1).repeat(2, axis=2) + variables["generator"]["params"]["shift"]


def reduced(variables, key, index, given):
    """Every other pixel, in color."""
    return given["image"][:, ::2, ::2].repeat(3, axis=-1)


def brightness(variables, key, index, given):
    """Logits of the classes: dark, medium or bright."""
    mean = jnp.mean(given["image"], axis=(1, 2, 3))
    return -jnp.abs(mean[:, None] - jnp.array([-0.5, 0.0, 0.5]))


MAPS = {
    "sample": Map((), "image", noise),
    "conditional": Map(("label",), "image", noise),
    "ab": Map(("input",), "image", negative),
    "ba": Map(("image",), "input", reduced),
    "classify": Map(("image",), "label", brightness),
}


def experiment(*names, fields=FIELDS, maps=MAPS, **others) -> Experiment:
    """What a config would make: a game of some of the maps."""
    game = Game(lambda key: {"generator": {"params": PARAMS}}, (), {name: maps[name] for name in names}, **others)
    return Experiment(game, fields, {}, {}, None, None, 1, 1)


def state(shift=0.0, step=0) -> State:
    """Whose average is shifted."""
    variables = {"generator": {"params": PARAMS}}
    return State(jnp.int32(step), variables, {}, {"generator": {"shift": jnp.float32(shift)}})


def source(n=20, unpaired=0) -> Source:
    """Images, labels and inputs, or so many inputs in a set of their own."""
    rng = np.random.default_rng(0)
    columns = {"image": rng.integers(0, 256, (n, *SHAPE), np.uint8), "label": (np.arange(n) % 3).astype(np.int32)}
    inputs = {"input": rng.integers(0, 256, (unpaired or n, *SMALL), np.uint8)}
    splits = {"unpaired": Source({"input": FIELDS["input"]}, inputs)} if unpaired else {}
    columns |= {} if unpaired else inputs
    return Source({name: FIELDS[name] for name in columns}, columns, splits)
