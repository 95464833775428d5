"""A run that begins with the networks of another one.

Reference: Mo et al. 2020 (FreezeD), whose generator and discriminator both begin with those of another run, some layers
of which then stay as they are: `config.optimizers.discriminator.freeze`.
"""

import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gan_jax import averages, own_code
from gan_jax.errors import UserError
from gan_jax.experiment import Experiment
from gan_jax.game import State, Variables
from gan_jax.run import load

OF_NETWORKS = ("params", "batch_stats", "spectral", "w_average")  # collections; others are a game's own memory


def first_state(experiment: Experiment, config: Any) -> State:
    """The state before the first round: initialized, but for what fits in another run, if the config names one.

    Of a player with an average it is the average, with statistics re-estimated for it; of others the newest. Optimizers
    and what terms remember begin anew. What does not fit, such as the layers of other classes or sizes, is told.

    Args:
        experiment: of the new run.
        config: its `init.workdir` and `init.checkpoint`.

    Raises:
        UserError: there is no such run, or nothing of it fits.
    """
    state = experiment.init(np.uint32(config.seed))
    if not config.init.workdir:
        return state
    workdir = Path(config.init.workdir).expanduser()
    with own_code.trusting(workdir):
        variables, told = fitted(state.variables, load(workdir, config.init.checkpoint).variables())
    if not told:
        raise UserError(f"--config.init.workdir={workdir}: nothing of that run fits: its networks are others")
    print("\n".join(f"from {workdir}: {line}" for line in told), file=sys.stderr)
    optimizers = {name: own.init(variables[name]["params"]) for name, own in experiment.optimizers.items()}
    state = state.replace(
        variables=variables, opt_states=optimizers, ema={player: variables[player]["params"] for player in state.ema}
    )
    return averages.begin(averages.choose(state, None), averages.half_lives(config))


def fitted(own: Variables, others: Variables) -> tuple[Variables, list[str]]:
    """Variables with all arrays of others that have the same place and shape, and a line of each player with any.

    A player of which biases alone would fit is left as it is.
    """
    known, made, told = dict(jax.tree_util.tree_leaves_with_path(others)), {}, []

    def fits(path, leaf):
        found = known.get(path)
        return path[1].key in OF_NETWORKS and found is not None and found.shape == leaf.shape

    for player, variables in own.items():
        leaves, structure = jax.tree_util.tree_flatten_with_path({player: variables})
        params = [(path, leaf) for path, leaf in leaves if path[1].key == "params"]
        if any(fits(path, leaf) and leaf.ndim > 1 for path, leaf in params):
            leaves = [
                (path, np.asarray(known[path], leaf.dtype) if fits(path, leaf) else leaf) for path, leaf in leaves
            ]
            lacking = [".".join(key.key for key in path[2:]) for path, leaf in params if not fits(path, leaf)]
            missing = f"; as initialized: {', '.join(lacking)}" if lacking else ""
            told.append(f"{len(params) - len(lacking)} of {len(params)} arrays of the {player}{missing}")
        made |= structure.unflatten([leaf for _, leaf in leaves])
    return jax.device_get(made), told
