"""Two-dimensional toy distributions, whose every mode is known: 100,000 points each, always the same ones.

Reference: PacGAN (Lin et al., 2018), section 4.1, for `ring` and `grid`.
"""

import dataclasses

import numpy as np

from gan_jax.data.source import Source

POINTS = 100_000


def ring_modes() -> np.ndarray:
    """The centres of `ring`, float32 [8, 2]: evenly spaced on the circle of radius 1."""
    angles = np.arange(8) * (2 * np.pi / 8)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)


def grid_modes() -> np.ndarray:
    """The centres of `grid`, float32 [25, 2]: every pair of -4, -2, 0, 2 and 4."""
    ticks = np.arange(-4, 5, 2)
    return np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(25, 2).astype(np.float32)


def ring() -> Source:
    """Eight Gaussians of standard deviation 0.01 on a circle; the label is the mode."""
    return _mixture(ring_modes(), 0.01)


def grid() -> Source:
    """Twenty-five Gaussians of standard deviation 0.05 on a square grid; the label is the mode."""
    return _mixture(grid_modes(), 0.05)


def spiral() -> Source:
    """Two spiral arms of one and a half turns and radius 1, noise 0.02; the label is the arm."""
    rng, arms = _draw(2)
    # The square root makes the points evenly dense along an arm, whose length grows as the radius squared.
    radius = np.sqrt(rng.uniform(size=POINTS))
    angle = 3 * np.pi * radius + np.pi * arms
    return _noisy(rng, np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1), 0.02, arms)


def moons() -> Source:
    """Two interleaved half circles of radius 1 around the origin, noise 0.05; the label is the half circle."""
    rng, moon = _draw(2)
    angle = np.pi * (rng.uniform(size=POINTS) + moon)  # the upper half, or the lower
    centre = np.array([[-0.5, -0.25], [0.5, 0.25]])[moon]
    return _noisy(rng, centre + np.stack([np.cos(angle), np.sin(angle)], axis=-1), 0.05, moon)


def _mixture(modes: np.ndarray, sigma: float) -> Source:
    rng, labels = _draw(len(modes))
    return dataclasses.replace(_noisy(rng, modes[labels], sigma, labels), modes=(modes, sigma))


def _draw(classes: int) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng, rng.integers(classes, size=POINTS, dtype=np.int32)


def _noisy(rng: np.random.Generator, points: np.ndarray, sigma: float, labels: np.ndarray) -> Source:
    points = points + sigma * rng.standard_normal(points.shape)
    return Source(points.astype(np.float32), labels, tuple(str(label) for label in np.unique(labels)))
