"""From a config to all that is played, built the same way for training and for what comes after."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from gan_jax import averages, games
from gan_jax.errors import UserError
from gan_jax.game import Game, State, batches_per_round, init_state
from gan_jax.lookup import import_by_name
from gan_jax.modalities import Fields
from gan_jax.noise import INITIAL_VARIABLES
from gan_jax.optimizers import beginnings, lazy_correction, learning_rate, make_optimizer
from gan_jax.schedules import Schedule


class Experiment(NamedTuple):
    """What a config makes of data of some fields."""

    game: Game
    fields: Fields
    optimizers: dict  # {player: optax transform}
    learning_rates: dict[str, Schedule]  # {player: rounds played -> learning rate}
    init: Callable[[np.uint32], State]  # from the seed, compiled
    state_shapes: State
    images_per_round: int  # that the discriminator sees
    total_rounds: int


def build(config, fields: Fields) -> Experiment:
    """The experiment that a config describes.

    Args:
        config: complete, see `gan_jax.config`.
        fields: see `gan_jax.data.fields_of`.

    Raises:
        UserError: the config does not fit itself or the data.
    """
    game = import_by_name(games, config.game, "game", member="make_game")(config, fields)
    per_round = config.batch_size * batches_per_round(game)
    players = dict.fromkeys(turn.player for turn in game.turns)
    optimizers, rates = {}, {}
    for player in players:
        own, correction = config.optimizers.get(player, config.optimizers.default), lazy_correction(game, player)
        rates[player] = learning_rate(own, images_per_round=per_round, correction=correction)
        begins = beginnings(game, player)
        optimizers[player] = make_optimizer(own, rates[player], correction=correction, begins=begins)

    others = averages.half_lives(config)

    def start(seed):
        state = init_state(game, optimizers, jax.random.fold_in(jax.random.key(seed), INITIAL_VARIABLES))
        return averages.begin(state, others)

    init = jax.jit(start)
    total_rounds = math.ceil(config.total_kimg * 1000 / per_round)
    shapes = jax.eval_shape(init, np.uint32(0))
    if strangers := set(config.optimizers) - {"default", *shapes.variables}:
        raise UserError(f"--config.optimizers.{min(strangers)}: the game's players are {', '.join(shapes.variables)}")
    return Experiment(game, fields, optimizers, rates, init, shapes, per_round, total_rounds)
