"""Two spiral arms of one and a half turns and radius 1, noise 0.02; the label is the arm."""

from typing import Any

import numpy as np

from gan_jax.data import toys
from gan_jax.data.source import Source

FORM = "spiral"


def open_source(rest: str = "", config: Any = None) -> Source:
    """100,000 points."""
    rng, arms = toys.draw(2)
    # The square root makes the points evenly dense along an arm, whose length grows as the radius squared.
    radius = np.sqrt(rng.uniform(size=toys.POINTS))
    angle = 3 * np.pi * radius + np.pi * arms
    return toys.noisy(rng, np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1), 0.02, arms)
