"""Perceptual path length: how much a picture changes with a small step in latent space.

Published figures measure the change by LPIPS, here it is that of the chosen features: they cannot be compared.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np


def slerp(a: jax.Array, b: jax.Array, t: jax.Array) -> jax.Array:
    """Spherical interpolation: the direction turns along the great circle, the norm changes linearly.

    A straight line between two latents of N(0, I) leads through norms that the generator was never given. Where a
    generator normalizes its latents itself, the norm does not matter, and the published code drops it; elsewhere it
    does, so this keeps it.

    Args:
        a: [N, Z], not 0.
        b: [N, Z], not 0 and not opposite to `a`, from where no way round is the shortest.
        t: [N], 0 for `a`, 1 for `b`.

    Returns:
        [N, Z]

    Reference: Shoemake 1985, section 3.3.
    """
    chex.assert_rank([a, b], 2)
    chex.assert_equal_shape([a, b])
    chex.assert_shape(t, (len(a),))
    t = t[:, None]
    length = lambda x: jnp.linalg.norm(x, axis=1, keepdims=True)
    norm = (1 - t) * length(a) + t * length(b)
    a, b = a / length(a), b / length(b)
    # Twice the angle whose tangent is |b - a| / |b + a|: an arc cosine would lose the digits of small angles.
    turns = 2 * jnp.arctan2(length(b - a), length(b + a)) / jnp.pi
    # sin(t angle) / sin(angle), by sinc(x) = sin(pi x) / (pi x), which is finite for equal directions.
    weight = lambda t: t * jnp.sinc(t * turns) / jnp.sinc(turns)
    return norm * (weight(1 - t) * a + weight(t) * b)


def path_length(features_a: np.ndarray, features_b: np.ndarray, epsilon: float) -> float:
    """The mean over samples of the squared distance that a step of epsilon makes, in units of epsilon^2.

    Args:
        features_a: [N, F], of the pictures at t, on paths of length 1.
        features_b: [N, F], of the pictures at t + epsilon.
        epsilon: the step, 1e-4 in the paper.

    Returns:
        The mean of |a - b|^2 / epsilon^2 over the samples from the 1st to the 99th percentile, as the authors'
        published code does; >= 0.

    Reference: Karras et al. 2019, section 4.1, eq. 2.
    """
    chex.assert_rank([features_a, features_b], 2)
    chex.assert_equal_shape([features_a, features_b])
    steps = np.asarray(features_a, np.float64) - features_b
    lengths = np.sum(steps**2, axis=1) / epsilon**2
    low, high = np.percentile(lengths, 1, method="lower"), np.percentile(lengths, 99, method="higher")
    return float(np.mean(lengths[(lengths >= low) & (lengths <= high)]))
