"""Gradient penalties on the discriminator, per example.

All are `(critic, real, fake, mix) -> [B]`, where `critic` maps images to logits [B], example by example (a critic
whose normalisation couples the batch has no gradient *per example*, see `layers.batch_norms`). The paper's weight
(gamma, lambda) is the caller's. They are used eagerly, added to the discriminator's loss, or lazily, as a turn of
their own.
"""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp

__all__ = ["r1", "gradient_penalty"]

Critic = Callable[[jax.Array], jax.Array]


def _squared_gradient_norm(critic: Critic, images: jax.Array) -> jax.Array:
    """|d critic(x) / dx|^2 over all axes but the first: [B]."""
    gradient = jax.grad(lambda x: jnp.sum(critic(x).astype(jnp.float32)))(images.astype(jnp.float32))
    return jnp.sum(gradient**2, axis=tuple(range(1, gradient.ndim)))


def r1(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array) -> jax.Array:
    """Half the squared gradient norm at real images; weight it by gamma.

    Args:
        critic: images -> logits [B].
        real: [B, ...] in [-1, 1].
        fake: not used.
        mix: not used.

    Returns:
        [B], >= 0.

    Reference: Mescheder et al. 2018, eq. 9.
    """
    return 0.5 * _squared_gradient_norm(critic, real)


def gradient_penalty(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array) -> jax.Array:
    """WGAN-GP: (|gradient| - 1)^2 at random points between real and fake images; weight it by lambda.

    Args:
        critic: images -> logits [B].
        real: [B, ...] in [-1, 1].
        fake: [B, ...] in [-1, 1].
        mix: [B] in [0, 1], the share of the real image in each interpolate.

    Returns:
        [B], >= 0.

    Reference: Gulrajani et al. 2017, eq. 3.
    """
    chex.assert_equal_shape([real, fake])
    chex.assert_shape(mix, (real.shape[0],))
    mix = mix.reshape(-1, *[1] * (real.ndim - 1))
    squared = _squared_gradient_norm(critic, mix * real + (1 - mix) * fake)
    # The square root's own derivative is infinite at 0.
    return (jnp.sqrt(squared + 1e-12) - 1) ** 2
