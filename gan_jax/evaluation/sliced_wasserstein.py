"""A distance between two sets of samples that needs no other network: cheap enough to watch while training."""

import chex
import numpy as np


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, directions: int = 256, seed: int = 0) -> float:
    """The sliced 2-Wasserstein distance, estimated on random directions.

    It compares the sets as clouds of points (of pixels, for images): it notices a wrong mean, spread or missing mode,
    but knows nothing of what a picture shows.

    Args:
        a: [N, ...]
        b: [N, ...], in the same units.
        directions: random unit vectors on which both are projected.
        seed: of the directions.

    Returns:
        sqrt(mean over directions of W2^2 of the projections), in the units of the data; 0 for equal sets. A shift of
        one set by d gives |d| / sqrt(dimensions).

    Reference: Bonneel et al. 2015, eq. 13.
    """
    chex.assert_equal_shape([a, b])
    a, b = (x.reshape(len(x), -1).astype(np.float32) for x in (a, b))
    theta = np.random.default_rng(seed).standard_normal((a.shape[1], directions)).astype(np.float32)
    theta /= np.linalg.norm(theta, axis=0)
    return float(np.sqrt(np.mean((np.sort(a @ theta, axis=0) - np.sort(b @ theta, axis=0)) ** 2)))
