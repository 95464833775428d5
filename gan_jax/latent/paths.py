"""Ways from one latent to another."""

import chex
import jax
import jax.numpy as jnp


def lerp(a: jax.Array, b: jax.Array, t: jax.Array) -> jax.Array:
    """Linear interpolation, a + t (b - a).

    Args:
        a, b: [N, ...].
        t: [N], 0 for `a`, 1 for `b`.
    """
    chex.assert_equal_shape([a, b])
    chex.assert_shape(t, (len(a),))
    return a + t.reshape(-1, *[1] * (a.ndim - 1)) * (b - a)


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
