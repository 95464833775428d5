"""A term that makes a step in w move the image as far wherever it is taken."""

from typing import Annotated

import jax
import jax.numpy as jnp

from gan_jax import regularizers
from gan_jax.keys import TINY, Positive, Weight
from gan_jax.noise import per_example
from gan_jax.terms.term import Term


def path_length(weight: Weight = 2.0, every: Positive = 4, rate: Annotated[float, (TINY, 1)] = 0.01) -> Term:
    """Path length regularization: the squared distance of each path's length from the mean of all so far.

    It is of all examples of the batch, in the authors' code of half of them.

    Args:
        weight: of the term.
        every: rounds; above 1 it is lazy, a turn of its own.
        rate: at which the mean length moves.

    Reference: Karras et al. 2020 (StyleGAN2), section 3.2.
    """

    def loss(c):
        noise = per_example(jax.random.normal, jax.random.fold_in(c.key, 8), c.batch["index"], c.real.shape[1:])
        lengths = regularizers.path_lengths(c.synthesize, c.styles(c.z), noise)
        before = c.own["path_length"]["mean"]
        mean = before + rate * (jnp.mean(lengths) - before)
        return jnp.mean((lengths - mean) ** 2), {"path_length": {"mean": jax.lax.stop_gradient(mean)}}

    return Term("path_length", "generator", loss, weight, every, {"path_length": {"mean": jnp.zeros(())}})
