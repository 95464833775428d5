"""From a config to all that is played, built the same way for training and for what comes after."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from gan_jax import config as configs
from gan_jax import games
from gan_jax.errors import UserError
from gan_jax.game import Game, State, batches_per_round, init_state
from gan_jax.noise import INITIAL_VARIABLES
from gan_jax.optimizers import Schedule, lazy_correction, learning_rate, make_optimizer
from gan_jax.views import View, make_view, translates


class Experiment(NamedTuple):
    """What a config makes of data of one shape."""

    game: Game
    num_classes: int  # that the game is conditioned on; 0: it is unconditional
    optimizers: dict  # {player: optax transform}
    learning_rates: dict[str, Schedule]  # {player: rounds played -> learning rate}
    init: Callable[[np.uint32], State]  # from the seed, compiled
    state_shapes: State
    images_per_round: int  # that the discriminator sees
    total_rounds: int
    view: View | None  # of a game that translates images


def build(config, image_shape: tuple[int, ...], num_classes: int) -> Experiment:
    """The experiment that a config describes.

    Args:
        config: see `gan_jax.config.base_config`.
        image_shape: (H, W, C), or (D,) for points.
        num_classes: of the data; 0: unlabelled.

    Raises:
        UserError: the config does not fit itself or the data.
    """
    num_classes = configs.classes_used(config, num_classes)
    game = configs.import_named(games, config.game, "game", member="make_game")(config, image_shape, num_classes)
    if game.classify:
        num_classes = 0  # it finds the labels out, and makes nothing for them
    per_round = config.batch_size * batches_per_round(game)
    optimizers, rates = {}, {}
    for player in dict.fromkeys(turn.player for turn in game.turns):
        if player not in config.optimizers:
            raise UserError(f"config.optimizers has nothing for the player {player!r}")
        own, correction = config.optimizers[player], lazy_correction(game, player)
        rates[player] = learning_rate(own, images_per_round=per_round, correction=correction)
        optimizers[player] = make_optimizer(own, rates[player], correction=correction)

    def start(seed):
        return init_state(game, optimizers, jax.random.fold_in(jax.random.key(seed), INITIAL_VARIABLES))

    init = jax.jit(start)
    total_rounds = math.ceil(config.total_kimg * 1000 / per_round)
    shapes = jax.eval_shape(init, np.uint32(0))
    view = make_view(config.data, image_shape) if translates(config.data) else None
    return Experiment(game, num_classes, optimizers, rates, init, shapes, per_round, total_rounds, view)
