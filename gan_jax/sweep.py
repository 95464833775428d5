"""Many seeds of one experiment as one program: the round under `vmap` over seeds, in a loop on the device.

For experiments whose networks and data are small, such as those on 2-D points. A seed's lane is the run that
`gan_jax.train` makes of the config with that seed: the same first parameters, batches and noise. If the devices of this
host can share the seeds evenly, they do; small networks leave most of a CPU's cores idle, which become devices by
`XLA_FLAGS=--xla_force_host_platform_device_count=N`.
"""

import math
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data import Source, prepare, rows
from gan_jax.errors import UserError
from gan_jax.experiment import Experiment
from gan_jax.game import State, batches_per_round, due, make_round
from gan_jax.runners import spread_over_devices
from gan_jax.schedules import ema_decay

ROUNDS_A_CALL = 64


def train_seeds(config, experiment: Experiment, source: Source, seeds: Sequence[int]) -> Iterator[tuple[int, State]]:
    """Trains a config once a seed, all at the same time.

    Args:
        config: of the experiment; its own seed is not used.
        experiment: what `gan_jax.experiment.build` makes of it.
        source: the data; they are put on the device.
        seeds: one of each run.

    Yields:
        (rounds played, state whose leaves have a leading axis [seeds]), about every 64 rounds. As the state is donated,
        only the newest one is valid.

    Raises:
        UserError: the last period of lazy turns would be cut off.
    """
    game, total = experiment.game, experiment.total_rounds
    period = math.lcm(*(turn.every for turn in game.turns))
    if any(turn.first or turn.last is not None for turn in game.turns):
        raise UserError("a game whose turns begin later or end cannot be trained as one program")
    if config.ema.others_kimg:
        raise UserError(f"--config.ema.others_kimg={config.ema.others_kimg}: seeds at once have one average")
    if total % period:
        raise UserError(f"total_kimg is {total} rounds, no multiple of {period}, the period of lazy turns: change it")
    repeats, batch_size = batches_per_round(game), config.batch_size
    decay = ema_decay(config.ema.half_life_kimg, config.ema.ramp_up, experiment.images_per_round)
    play = make_round(game, experiment.optimizers, ema_decay=decay, micro_batches=config.micro_batches)
    index = jnp.tile(jnp.arange(batch_size), (repeats, 1))

    def play_many(state, resident, order, seed):  # order: [rounds, R, B]
        def play_period(n, state):
            for step in range(period):
                rows_of_round = {"row": order[n * period + step], "index": index}
                batch = prepare(resident, rows_of_round, experiment.fields)
                state, _ = play(state, batch, jax.random.key(seed), due(game, step))
            return state

        return jax.lax.fori_loop(0, order.shape[0] // period, play_period, state)

    whole, split = spread_over_devices()
    if len(seeds) % jax.local_device_count():
        whole = split = jax.local_devices()[0]
    play_seeds = jax.jit(jax.vmap(play_many, in_axes=(0, None, 0, 0)), donate_argnums=0)
    numbers = jax.device_put(np.array(seeds, np.uint32), split)
    state = jax.jit(jax.vmap(experiment.init))(numbers)
    resident = jax.device_put(source.read(np.arange(len(source))), whole)

    def order_of(seed, positions):
        orders = [rows(len(source), repeats * batch_size, seed, position) for position in positions]
        return np.stack(orders).reshape(-1, repeats, batch_size).astype(np.int32)

    step, rounds = 0, period * math.ceil(ROUNDS_A_CALL / period)
    while step < total:
        positions = range(step, min(step + rounds, total))
        order = jax.device_put(np.stack([order_of(seed, positions) for seed in seeds]), split)
        state = play_seeds(state, resident, order, numbers)
        step = positions.stop
        yield step, state
