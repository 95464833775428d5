"""The Fréchet distance between two Gaussians: FID, where they are fitted to features of Inception."""

import chex
import numpy as np


def frechet_distance(mu1: np.ndarray, sigma1: np.ndarray, mu2: np.ndarray, sigma2: np.ndarray) -> float:
    """|mu1 - mu2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)), the squared 2-Wasserstein distance of two Gaussians.

    With any factors S = R R^T, the trace of (S1 S2)^(1/2) is the sum of the singular values of R1^T R2. No root of a
    matrix is taken, so that nothing can be complex or NaN, and covariances of any rank will do.

    Args:
        mu1: [F], a mean.
        sigma1: [F, F], its covariance: symmetric, without negative eigenvalues beyond rounding.
        mu2: [F]
        sigma2: [F, F]

    Returns:
        The distance in the squared units of the features, >= 0; 0 for equal Gaussians, to rounding (1e-13 of the
        traces).

    Reference: Dowson and Landau 1982; Heusel et al. 2017, eq. 6.
    """
    chex.assert_rank([mu1, mu2], 1)
    chex.assert_equal_shape([mu1, mu2])
    chex.assert_shape([sigma1, sigma2], (len(mu1), len(mu1)))
    mu1, sigma1, mu2, sigma2 = (np.asarray(x, np.float64) for x in (mu1, sigma1, mu2, sigma2))
    shared = np.linalg.norm(_factor(sigma1).T @ _factor(sigma2), ord="nuc")
    return max(0.0, float(np.sum((mu1 - mu2) ** 2) + np.trace(sigma1) + np.trace(sigma2) - 2 * shared))


def _factor(sigma: np.ndarray) -> np.ndarray:
    """R [F, rank] with sigma = R R^T."""
    values, vectors = np.linalg.eigh(sigma)
    # An eigenvalue of 0 comes out as rounding noise of either sign, whose root would not be small.
    kept = values > len(sigma) * np.finfo(np.float64).eps * values[-1]
    return vectors[:, kept] * np.sqrt(values[kept])
