"""Noise that does not depend on how a batch is cut.

Each example has a key of its own, `fold_in(key, its place in the global batch)`, so one device, eight devices and two
hosts draw the same numbers.
"""

from collections.abc import Callable

import jax

# What is folded into a run's key where a round folds in its number; no run gets there.
FIXED_LATENTS, INITIAL_VARIABLES = 2**32 - 1, 2**32 - 2
PREPROCESS = 2**32 - 3  # folded into a round's key where a turn folds in its number
DISCRIMINATOR = 2**32 - 5  # folded into the key of a call of the discriminator: that of the noise in it
GENERATOR = 2**32 - 4  # folded into the key of latents: that of the noise in the generator that gets them


def per_example(draw: Callable, key: jax.Array, index: jax.Array, shape: tuple[int, ...] = ()) -> jax.Array:
    """Independent draws for each example of a batch.

    Args:
        draw: `(key, shape) -> array`, such as `jax.random.normal`.
        key: of this draw.
        index: int [B], each example's place in the global batch.
        shape: of one example's noise.

    Returns:
        [B, *shape]
    """
    return jax.vmap(lambda i: draw(jax.random.fold_in(key, i), shape))(index)
