"""Modes found, where it is known which there are: centers of a mixture, or classes."""

import math
from typing import NamedTuple

import chex
import numpy as np


class ModeCoverage(NamedTuple):
    """What a set of samples says about a mixture of Gaussians.

    Attributes:
        modes: found, of all.
        high_quality: the share of samples that are near a mode, in [0, 1].
        kl: of the modes' shares among those samples from equal ones, in nats, from 0 to log(modes); infinite if no
            sample is near a mode.
    """

    modes: int
    high_quality: float
    kl: float


def mode_coverage(points: np.ndarray, modes: np.ndarray, sigma: float) -> ModeCoverage:
    """PacGAN's protocol, for which 2,500 samples are usual.

    A sample is of high quality within 3 sigma of the nearest mode, and a mode is found if it is the nearest one of at
    least one sample of high quality. In the plane, 1 - exp(-9/2) = 98.9 % of the mixture's own samples are.

    Args:
        points: [N, D]
        modes: [M, D], the centers of equally likely Gaussians.
        sigma: their standard deviation in each dimension.

    Reference: Lin et al. 2018 (PacGAN), section 4.1.
    """
    chex.assert_rank([points, modes], 2)
    chex.assert_equal_shape_suffix([points, modes], 1)
    distance = np.linalg.norm(np.asarray(points, np.float64)[:, None] - modes, axis=-1)
    good = distance.min(axis=1) <= 3 * sigma
    counts = np.bincount(distance.argmin(axis=1)[good], minlength=len(modes))
    equal = np.full(len(modes), 1 / len(modes))
    return ModeCoverage(int(np.count_nonzero(counts)), float(good.mean()), _divergence(counts, equal))


def class_coverage(labels: np.ndarray, num_classes: int, real_shares: np.ndarray | None = None) -> tuple[int, float]:
    """Classes found by a classifier, such as the 1,000 numbers of three stacked digits.

    Args:
        labels: int [N] in [0, K), the classifier's.
        num_classes: K.
        real_shares: float [K], the shares of the same classifier's labels of real samples; by default equal ones.

    Returns:
        The number of classes with at least one sample, and KL(samples || real) in nats: infinite without samples, and
        with samples of a class that no real one has.

    Reference: Lin et al. 2018 (PacGAN), section 4.2.
    """
    chex.assert_rank(labels, 1)
    counts = np.bincount(labels, minlength=num_classes)
    real_shares = np.full(num_classes, 1 / num_classes) if real_shares is None else np.asarray(real_shares, np.float64)
    chex.assert_shape([counts, real_shares], (num_classes,))
    return int(np.count_nonzero(counts)), _divergence(counts, real_shares)


def _divergence(counts: np.ndarray, reference: np.ndarray) -> float:
    """KL(counts' shares || reference) in nats."""
    found = counts > 0
    if not found.any() or (reference[found] == 0).any():
        return math.inf
    shares = counts[found] / counts.sum()
    return float(np.sum(shares * np.log(shares / reference[found])))
