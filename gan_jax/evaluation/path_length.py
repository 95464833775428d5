"""Perceptual path length: how much a picture changes with a small step in latent space.

Published figures measure the change by LPIPS, here it is that of the chosen features: they cannot be compared.
"""

import chex
import numpy as np


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
