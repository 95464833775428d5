"""Density and coverage: precision and recall that an outlier cannot fool."""

import chex
import numpy as np

from gan_jax.evaluation.neighbors import kth_nearest, squared_distances


def density_coverage(real: np.ndarray, fake: np.ndarray, k: int = 5) -> tuple[float, float]:
    """How many reals' balls a fake is in, and how many reals have a fake in their ball.

    Only reals have balls, so that outliers among the fakes cover nothing, and density counts balls, so that the one
    large ball of an outlier among the reals hardly matters.

    Args:
        real: [N, F], features.
        fake: [M, F]; the same number as reals for numbers that can be compared.
        k: a ball reaches up to the k-th nearest other real, that one excluded.

    Returns:
        Density, >= 0 and possibly above 1, and coverage, in [0, 1]. For equal distributions and many samples, they
        are expected to be 1 and 1 - 2^-k.

    Raises:
        UserError: a set has no more than k samples.

    Reference: Naeem et al. 2020, section 3; the strict inequality is their published code's.
    """
    chex.assert_rank([real, fake], 2)
    chex.assert_equal_shape_suffix([real, fake], 1)
    radii = kth_nearest(real, k)
    balls, covered = 0, np.zeros(len(real), bool)
    for _, squared in squared_distances(fake, real):
        inside = squared < radii
        balls += int(inside.sum())
        covered |= np.asarray(inside.any(axis=0))
    return balls / (k * len(fake)), float(covered.mean())
