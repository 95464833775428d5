"""Improved precision and recall: how many fakes are among the reals, and how many reals among the fakes."""

import chex
import numpy as np

from gan_jax.evaluation.neighbors import kth_nearest, squared_distances


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> tuple[float, float]:
    """Shares of one set that lie in the other's manifold: the balls around its points up to their k-th neighbor.

    Args:
        real: [N, F], features.
        fake: [M, F]; the same number as reals for numbers that can be compared.
        k: a ball reaches up to the k-th nearest other point of the same set, that point included.

    Returns:
        Precision, the share of fakes in the reals' balls, and recall, the share of reals in the fakes' balls.

    Raises:
        UserError: a set has no more than k samples.

    Reference: Kynkäänniemi et al. 2019, section 2.
    """
    chex.assert_rank([real, fake], 2)
    chex.assert_equal_shape_suffix([real, fake], 1)
    real_radii, fake_radii = kth_nearest(real, k), kth_nearest(fake, k)
    precise, recalled = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    for rows, squared in squared_distances(fake, real):
        precise[rows] = (squared <= real_radii).any(axis=1)
        recalled |= np.asarray((squared <= fake_radii[rows, None]).any(axis=0))
    return float(precise.mean()), float(recalled.mean())
