"""Eight Gaussians of standard deviation 0.01 on a circle; the label is the mode.

Reference: PacGAN (Lin et al., 2018), section 4.1.
"""

from typing import Any

import numpy as np

from gan_jax.data import toys
from gan_jax.data.source import Source

FORM = "ring"


def open_source(rest: str = "", config: Any = None) -> Source:
    """100,000 points."""
    return toys.mixture(modes(), 0.01)


def modes() -> np.ndarray:
    """The centers, float32 [8, 2]: evenly spaced on the circle of radius 1."""
    angles = np.arange(8) * (2 * np.pi / 8)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)
