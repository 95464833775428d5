"""Twenty-five Gaussians of standard deviation 0.05 on a square grid; the label is the mode.

Reference: PacGAN (Lin et al., 2018), section 4.1.
"""

from typing import Any

import numpy as np

from gan_jax.data import toys
from gan_jax.data.source import Source

FORM = "grid"


def open_source(rest: str = "", config: Any = None) -> Source:
    """100,000 points."""
    return toys.mixture(modes(), 0.05)


def modes() -> np.ndarray:
    """The centers, float32 [25, 2]: every pair of -4, -2, 0, 2 and 4."""
    ticks = np.arange(-4, 5, 2)
    return np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(25, 2).astype(np.float32)
