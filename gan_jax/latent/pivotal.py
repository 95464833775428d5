"""Moving a generator to some pictures, around their latents, so that they can be edited without being lost.

Reference: Roich et al. 2021 (pivotal tuning). What differs: the distance is that of pixels alone, and all pictures
share one generator, which is not held in place elsewhere.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.latent.inversion import NO_NOISE
from gan_jax.latent.model import CHUNK, Latents, Model
from gan_jax.modalities import to_model


def tune(
    model: Model,
    latents: Latents,
    targets: np.ndarray,
    *,
    steps: int = 350,
    learning_rate: float = 3e-4,
    tick: Callable = lambda: None,
) -> dict:
    """The generator's parameters after some steps of Adam towards pictures.

    Args:
        model: where it starts.
        latents: [n], which stay where they are.
        targets: [n, ...] stored examples.
        steps: each of up to 32 of the pictures, in turn.
        learning_rate: of Adam.
        tick: called before every step.
    """
    decode, optimizer = model.game.spaces[latents.space].decode, optax.adam(learning_rate)
    own = model.variables["generator"]

    def loss(params, values, target, given):
        variables = {**model.variables, "generator": {**own, "params": params}}
        no_noise = jnp.full(len(values), NO_NOISE)
        made = decode(variables, values, to_model(given, model.fields), jax.random.key(0), no_noise)
        return jnp.mean((made - model.makes.modality.to_model(target, model.makes)) ** 2)

    @jax.jit
    def step(params, state, *batch):
        updates, state = optimizer.update(jax.grad(loss)(params, *batch), state)
        return optax.apply_updates(params, updates), state

    params = own["params"]
    state, size = optimizer.init(params), min(CHUNK, len(latents))
    for number in range(steps):
        rows = (number * size + np.arange(size)) % len(latents)
        part = latents.take(rows)
        tick()
        params, state = step(params, state, part.values, targets[rows], part.given)
    return params
