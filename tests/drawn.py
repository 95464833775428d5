"""Arrays and variables that are drawn."""

import jax
import jax.numpy as jnp
import numpy as np


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def variables_of(network, *args, scale=lambda path: 0.3):
    """Variables of which none is 0, in no time: to compile a network's `init` takes seconds.

    `scale` is that of each, by the names in its path.
    """
    shapes = jax.eval_shape(network.init, jax.random.key(0), *args)
    leaves, structure = jax.tree_util.tree_flatten_with_path(shapes)
    scales = [scale([getattr(key, "key", "") for key in path]) for path, _ in leaves]
    return structure.unflatten(
        [s * normal(*x.shape, seed=i) for i, (s, (_, x)) in enumerate(zip(scales, leaves, strict=True))]
    )
