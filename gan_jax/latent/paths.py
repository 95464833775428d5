"""Ways from one latent to another."""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp
import numpy as np


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


def between(way: Callable, keyframes: jax.Array, frames: int, loop: bool) -> jax.Array:
    """From each keyframe to the next.

    Args:
        way: `(a [N, F], b [N, F], t [N]) -> [N, F]`, such as `slerp`.
        keyframes: [K, F].
        frames: from one to the next.
        loop: whether the last is followed by the first.

    Returns:
        [K * frames, F] of a loop, else [(K - 1) * frames + 1, F].
    """
    at, before, after = places(len(keyframes), frames, loop)
    return way(keyframes[before], keyframes[after], jnp.asarray(at - before, keyframes.dtype))


def spline(keyframes: np.ndarray, frames: int, loop: bool) -> np.ndarray:
    """As `between`, along a cubic spline, which has no corners at the keyframes.

    Args:
        keyframes: [K, ...].
        frames, loop: see `between`.
    """
    from scipy.interpolate import CubicSpline

    keyframes = np.asarray(keyframes)
    closed = np.concatenate([keyframes, keyframes[:1]]) if loop else keyframes
    kind = "periodic" if loop else "natural"
    curve = CubicSpline(np.arange(len(closed)), closed, bc_type=kind)
    return curve(places(len(keyframes), frames, loop)[0]).astype(keyframes.dtype)


def places(count: int, frames: int, loop: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each frame: its place, and the keyframes before and after it."""
    total = count * frames if loop else (count - 1) * frames + 1
    at = np.arange(total) / frames
    before = np.floor(at).astype(int)
    return at, before, (before + 1) % count
