"""Means and covariances of sets that never are in memory as a whole: chunk by chunk, in float64."""

from typing import NamedTuple

import chex
import numpy as np

from gan_jax.errors import UserError


class Moments(NamedTuple):
    """What a mean and a covariance need to know of a set.

    Attributes:
        count: of samples.
        mean: float64 [F]; 0 if there are none.
        scatter: float64 [F, F], the sum over samples of the outer product of their deviation from the mean.
    """

    count: int
    mean: np.ndarray
    scatter: np.ndarray


def moments(x: np.ndarray) -> Moments:
    """The moments of one chunk [N, F]; N = 0 is the neutral element of `merge`."""
    chex.assert_rank(x, 2)
    x = np.asarray(x, np.float64)
    mean = x.sum(axis=0) / max(len(x), 1)
    deviations = x - mean
    return Moments(len(x), mean, deviations.T @ deviations)


def merge(a: Moments, b: Moments) -> Moments:
    """The moments of two sets together.

    Only deviations are ever squared, so that a mean far from 0 costs no digits, unlike sums of x and of x x^T.

    Reference: Chan et al. 1982, the updating formulas for two sets.
    """
    chex.assert_equal_shape([a.mean, b.mean])
    count = a.count + b.count
    share = b.count / max(count, 1)
    step = b.mean - a.mean
    scatter = a.scatter + b.scatter + a.count * share * np.outer(step, step)
    return Moments(count, a.mean + share * step, scatter)


def covariance(m: Moments) -> np.ndarray:
    """The unbiased covariance, float64 [F, F].

    Raises:
        UserError: fewer than 2 samples.
    """
    if m.count < 2:
        raise UserError(f"a covariance needs at least 2 samples, not {m.count}: take more samples")
    return m.scatter / (m.count - 1)
