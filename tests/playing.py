"""The smallest adversarial games at their start, and what their turns give there."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import complete
from gan_jax.game import init_state
from gan_jax.games.adversarial import make_game
from gan_jax.modalities import Field, image, label, points
from gan_jax.optimizers import make_optimizer

KEY = jax.random.key(1)


def fields_of(shape, num_classes=0):
    """Images if there are three axes, else points, whose field is called "image" here too."""
    kind = image.MODALITY if len(shape) == 3 else points.MODALITY
    labels = {"label": Field(label.MODALITY, (), tuple(map(str, range(num_classes))))} if num_classes else {}
    return {"image": Field(kind, shape), **labels}


def start(config, shape=(2,), num_classes=0):
    """(game, optimizers, state)"""
    if num_classes:
        config = complete({**config.to_dict(), "labels": "require"})
    game, own = make_game(config, fields_of(shape, num_classes)), config.optimizers.default
    optimizers = {
        player: make_optimizer(own, lambda step: own.learning_rate) for player in ("generator", "discriminator")
    }
    return game, optimizers, jax.jit(lambda key: init_state(game, optimizers, key))(KEY)


def sampled(game, variables, key, index, labels=None):
    return game.maps["sample"].apply(variables, key, index, {} if labels is None else {"label": labels})


def turn_values(config, shape=(2,), num_classes=0, batch=8, step=0):
    """(game, variables, batch, {turn: (value, (updates, metrics))}) of a game at its start."""
    game, _, state = start(config, shape, num_classes)
    rng = np.random.default_rng(0)
    seen = {"image": rng.normal(size=(batch, *shape)).astype(np.float32), "index": jnp.arange(batch), "step": step}
    seen["label"] = jnp.arange(batch) % max(num_classes, 1)
    values = {turn.name: turn.loss(state.variables, seen, KEY) for turn in game.turns}
    return game, state.variables, seen, values
