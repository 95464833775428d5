"""The real images nearest to each fake: does the generator copy its training set?"""

import chex
import jax
import numpy as np

from gan_jax.errors import UserError
from gan_jax.evaluation.neighbors import squared_distances
from gan_jax.images import grid


def nearest_neighbors(fake: np.ndarray, real: np.ndarray, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest reals of each fake.

    Args:
        fake: [M, F], features, or pixels as floats.
        real: [N, F], the training set's.
        k: how many.

    Returns:
        Rows of `real`, int [M, k], the nearest first (of equally near ones, the first row first), and their
        Euclidean distances, float32 [M, k]: 0 for a copy.

    Raises:
        UserError: fewer than k reals.
    """
    chex.assert_rank([fake, real], 2)
    chex.assert_equal_shape_suffix([fake, real], 1)
    if len(real) < k:
        raise UserError(f"{k} nearest neighbors need at least {k} real samples, not {len(real)}: take more samples")
    rows, distances = np.zeros((len(fake), k), np.int32), np.zeros((len(fake), k), np.float32)
    for block, squared in squared_distances(fake, real):
        negative, rows[block] = jax.lax.top_k(-squared, k)
        distances[block] = np.sqrt(-negative)
    return rows, distances


def neighbors_picture(fakes: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """A row for each sample: the sample, a blank place, and its nearest real images from the nearest on.

    Args:
        fakes: uint8 [M, H, W, C], C = 1 or 3.
        neighbors: uint8 [M, k, H, W, C]

    Returns:
        uint8 [M * H', (k + 2) * W', C], enlarged as `grid` does.
    """
    chex.assert_rank(fakes, 4)
    chex.assert_shape(neighbors, (len(fakes), None, *fakes.shape[1:]))
    k = neighbors.shape[1]
    rows = np.concatenate([fakes[:, None], np.zeros_like(fakes[:, None]), neighbors], axis=1)
    return grid(rows.reshape(-1, *fakes.shape[1:]), columns=k + 2)
