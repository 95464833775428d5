"""What two-dimensional toy distributions share: 100,000 points each, always the same ones."""

import numpy as np

from gan_jax.data.source import Source, make_source

POINTS = 100_000


def draw(classes: int) -> tuple[np.random.Generator, np.ndarray]:
    """(a generator of numbers, int32 [100,000] classes, all equally likely)"""
    rng = np.random.default_rng(0)
    return rng, rng.integers(classes, size=POINTS, dtype=np.int32)


def noisy(
    rng: np.random.Generator, points: np.ndarray, sigma: float, labels: np.ndarray, fitted: dict | None = None
) -> Source:
    """The points with Gaussian noise of deviation sigma; `fitted` is what is known of them, see `make_source`."""
    points = points + sigma * rng.standard_normal(points.shape)
    names = tuple(str(label) for label in np.unique(labels))
    return make_source("points", points.astype(np.float32), labels, names, fitted)


def mixture(centers: np.ndarray, sigma: float) -> Source:
    """Equally likely Gaussians.

    Args:
        centers: float32 [M, 2].
        sigma: their standard deviation.

    Returns:
        A source whose label is the mode, and whose field of points is fitted with "centers" and "deviation".
    """
    rng, labels = draw(len(centers))
    return noisy(rng, centers[labels], sigma, labels, {"centers": centers.tolist(), "deviation": sigma})
