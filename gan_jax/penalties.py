"""Gradient penalties on the discriminator, per example.

All are `(critic, real, fake, mix, noise) -> [B]`, each >= 0:

    critic: images -> logits [B], example by example (a critic whose normalization couples the batch has no gradient
        *per example*, see `layers.batch_norms`).
    real, fake: [B, ...] in [-1, 1], or points.
    mix: [B], uniform in [0, 1].
    noise: [B, ...], uniform in [0, 1].

The paper's weight (gamma, lambda) is the caller's. They are used eagerly, added to the discriminator's loss, or lazily,
as a turn of their own.
"""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp

__all__ = [
    "r1", "r2", "r1_r2", "r1_finite", "r2_finite", "r1_r2_finite",
    "gradient_penalty", "one_sided_gradient_penalty", "dragan",
]  # fmt: skip

Critic = Callable[[jax.Array], jax.Array]


def _squared_gradient_norm(critic: Critic, images: jax.Array) -> jax.Array:
    """|d critic(x) / dx|^2 over all axes but the first: [B]."""
    gradient = jax.grad(lambda x: jnp.sum(critic(x).astype(jnp.float32)))(images.astype(jnp.float32))
    return jnp.sum(gradient**2, axis=tuple(range(1, gradient.ndim)))


def _gradient_norm(critic: Critic, images: jax.Array) -> jax.Array:
    # The square root's own derivative is infinite at 0.
    return jnp.sqrt(_squared_gradient_norm(critic, images) + 1e-12)


def _interpolate(real: jax.Array, other: jax.Array, mix: jax.Array) -> jax.Array:
    chex.assert_equal_shape([real, other])
    chex.assert_shape(mix, (real.shape[0],))
    mix = mix.reshape(-1, *[1] * (real.ndim - 1))
    return mix * real + (1 - mix) * other


def r1(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, noise: jax.Array) -> jax.Array:
    """Half the squared gradient norm at real images; weight it by gamma.

    Reference: Mescheder et al. 2018, eq. 9.
    """
    return 0.5 * _squared_gradient_norm(critic, real)


def r2(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, noise: jax.Array) -> jax.Array:
    """Half the squared gradient norm at fake images; weight it by gamma.

    Reference: Mescheder et al. 2018, eq. 10.
    """
    return 0.5 * _squared_gradient_norm(critic, fake)


def r1_r2(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, noise: jax.Array) -> jax.Array:
    """R1 + R2; weight it by gamma.

    Reference: Roth et al. 2017; Huang et al. 2024 (R3GAN), section 2.2.
    """
    return r1(critic, real, fake, mix, noise) + r2(critic, real, fake, mix, noise)


def _squared_slope(critic: Critic, images: jax.Array, noise: jax.Array, step: float = 0.01) -> jax.Array:
    """((critic(x + step n) - critic(x)) / step)^2, n of mean 0 and covariance 1: on average |gradient|^2: [B]."""
    n = 12**0.5 * (noise - 0.5)
    moved, still = critic(images + step * n), critic(images)
    return ((moved - still).astype(jnp.float32) / step) ** 2


def r1_finite(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, noise: jax.Array) -> jax.Array:
    """R1 by a finite difference in a random direction, without a second derivative; weight it by gamma.

    Its mean is R1 up to terms of the order of the step, 0.01, squared; a single value is far from it.

    Reference: Lin et al. 2025 (Diffusion adversarial post-training), there with normal noise, and without the division
    by the step, which its lambda holds.
    """
    return 0.5 * _squared_slope(critic, real, noise)


def r2_finite(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, noise: jax.Array) -> jax.Array:
    """R2 by a finite difference, see `r1_finite`; weight it by gamma."""
    return 0.5 * _squared_slope(critic, fake, noise)


def r1_r2_finite(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, noise: jax.Array) -> jax.Array:
    """R1 + R2 by finite differences, see `r1_finite`; weight it by gamma."""
    return r1_finite(critic, real, fake, mix, noise) + r2_finite(critic, real, fake, mix, noise)


def gradient_penalty(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, noise: jax.Array) -> jax.Array:
    """WGAN-GP: (|gradient| - 1)^2 at random points between real and fake images; weight it by lambda.

    Reference: Gulrajani et al. 2017, eq. 3.
    """
    return (_gradient_norm(critic, _interpolate(real, fake, mix)) - 1) ** 2


def one_sided_gradient_penalty(
    critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, noise: jax.Array
) -> jax.Array:
    """WGAN-LP: as `gradient_penalty`, but only norms above 1 are punished: max(0, |gradient| - 1)^2.

    Reference: Petzka et al. 2018, eq. 8; Gulrajani et al. 2017, section 4.
    """
    return jax.nn.relu(_gradient_norm(critic, _interpolate(real, fake, mix)) - 1) ** 2


def dragan(critic: Critic, real: jax.Array, fake: jax.Array, mix: jax.Array, noise: jax.Array) -> jax.Array:
    """(|gradient| - 1)^2 around real images, at x + (1 - mix) s noise / 2 with s the batch's standard deviation.

    Reference: Kodali et al. 2017, section 2.3, with the noise of the authors' code.
    """
    return (_gradient_norm(critic, _interpolate(real, real + 0.5 * jnp.std(real) * noise, mix)) - 1) ** 2
