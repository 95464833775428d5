"""Moving a generator to some pictures, around their latents, so that they can be edited without being lost.

Reference: Roich et al. 2021 (pivotal tuning). What differs: the distance is that of pixels alone, and all pictures
share one generator, which is not held in place elsewhere.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.latent.inversion import pixel_error
from gan_jax.latent.model import CHUNK, Latents, Model


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
    error, optimizer = pixel_error(model, latents.space), optax.adam(learning_rate)
    own, to_values = model.variables["generator"], model.makes.modality.to_model

    def loss(params, values, target, given):
        variables = {**model.variables, "generator": {**own, "params": params}}
        return jnp.mean(error(values, variables, to_values(target, model.makes), given))

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
