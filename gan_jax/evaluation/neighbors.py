"""Euclidean distances between sets of features, block by block: what the metrics of neighborhoods share."""

from collections.abc import Iterator

import chex
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UserError

BLOCK = 512  # rows at a time against all columns: 40 MB in float64 for 10,000 of them


def squared_distances(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[slice, jax.Array]]:
    """The squared distances of each of `a` to all of `b`, on the device, in bounded memory.

    They are |a|^2 + |b|^2 - 2 a.b, in float64: in float32, the difference of large numbers would leave no digits of
    the distances within a tight cluster. For the same reason the common mean is taken off first, which changes no
    distance but makes the numbers as small as they can be.

    Args:
        a: [M, F]
        b: [N, F], in the same units.

    Yields:
        Consecutive rows of `a`, and float32 [rows, N]: 0 for equal points, and never below.
    """
    chex.assert_rank([a, b], 2)
    chex.assert_equal_shape_suffix([a, b], 1)
    mean = (a.sum(axis=0, dtype=np.float64) + b.sum(axis=0, dtype=np.float64)) / (len(a) + len(b))
    a, b = a - mean, b - mean
    with jax.enable_x64(True):
        b = jnp.asarray(b)
    for start in range(0, len(a), BLOCK):
        rows = slice(start, min(start + BLOCK, len(a)))
        with jax.enable_x64(True):
            block = _squared_distances(a[rows], b)
        yield rows, block


@jax.jit
def _squared_distances(a: jax.Array, b: jax.Array) -> jax.Array:
    norms = jnp.sum(a**2, axis=1)[:, None] + jnp.sum(b**2, axis=1)
    squared = norms - 2 * jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST)
    # Below this, all digits are rounding: a point and its copy are at 0, not at noise that differs from place to place.
    squared = jnp.where(squared < 1e-12 * norms, 0, squared)
    # Equal distances that were computed at different places differ in the last digits of float64: not of float32.
    return squared.astype(jnp.float32)


def kth_nearest(x: np.ndarray, k: int) -> np.ndarray:
    """The squared distance of each point to its k-th nearest other point.

    Args:
        x: [N, F]
        k: >= 1

    Returns:
        float32 [N]; 0 for a point with k copies.

    Raises:
        UserError: no more than k points.
    """
    chex.assert_rank(x, 2)
    if len(x) <= k:
        raise UserError(f"{k} nearest neighbors need more than {k} samples, not {len(x)}: take more samples")
    # Every point is at 0 from itself, so nothing is nearer: with itself, the k-th other one is the (k + 1)-th.
    nearest = [-jax.lax.top_k(-squared, k + 1)[0][:, k] for _, squared in squared_distances(x, x)]
    return np.concatenate(nearest)
