"""Two interleaved half circles of radius 1 around the origin, noise 0.05; the label is the half circle."""

from typing import Any

import numpy as np

from gan_jax.data import toys
from gan_jax.data.source import Source

FORM = "moons"


def open_source(rest: str = "", config: Any = None) -> Source:
    """100,000 points."""
    rng, moon = toys.draw(2)
    angle = np.pi * (rng.uniform(size=toys.POINTS) + moon)  # the upper half, or the lower
    center = np.array([[-0.5, -0.25], [0.5, 0.25]])[moon]
    return toys.noisy(rng, center + np.stack([np.cos(angle), np.sin(angle)], axis=-1), 0.05, moon)
