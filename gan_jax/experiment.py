"""From a config to all that is played, built the same way for training and for what comes after."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from gan_jax import config as configs
from gan_jax import games
from gan_jax.game import Game, State, batches_per_round, init_state
from gan_jax.optimizers import lazy_correction, make_optimizer


class Experiment(NamedTuple):
    """What a config makes of data of one shape."""

    game: Game
    optimizers: dict
    init: Callable[[np.uint32], State]  # from the seed, compiled
    state_shapes: State
    images_per_round: int  # that the discriminator sees
    total_rounds: int


def build(config, image_shape: tuple[int, ...], num_classes: int) -> Experiment:
    """The experiment that a config describes, for images (or points) of one shape."""
    game = configs.import_named(games, config.game, "game").make_game(config, image_shape, num_classes)
    per_round = config.batch_size * batches_per_round(game)
    optimizers = {
        player: make_optimizer(
            config.optimizers[player], correction=lazy_correction(game, player), images_per_round=per_round
        )
        for player in dict.fromkeys(turn.player for turn in game.turns)
    }
    init = jax.jit(lambda seed: init_state(game, optimizers, jax.random.key(seed)))
    total_rounds = math.ceil(config.total_kimg * 1000 / per_round)
    return Experiment(game, optimizers, init, jax.eval_shape(init, np.uint32(0)), per_round, total_rounds)
