"""Three random digits as the red, green and blue of one image: 1,000 modes, to count how many a GAN finds."""

import dataclasses
from typing import Any

import numpy as np

from gan_jax.data import pictures
from gan_jax.data.source import Source, make_source
from gan_jax.data.sources.digits import digits, fitted

FORM = "stacked_digits"
STACKED_DIGITS = 128_000


def open_source(rest: str, config: Any) -> Source:
    """uint8 [28, 28, 3], or what `image_size` and `fit` make of them, of 1,000 classes."""
    return stacked_digits(pictures.parse_size(config.image_size), config.fit)


def stacked_digits(size: tuple[int, int] | None = None, fit: str = "crop") -> Source:
    """Digits on each other.

    Args:
        size: (H, W) to resize to, or None for the 28x28 pixels as they are.
        fit: how to, see `pictures.fitted`.

    Returns:
        A source of 128,000 uint8 [28, 28, 3] (or [H, W, 3]) whose label reads off the digits, red first: 0 to 999.
    """
    base = digits(size, fit)
    rows = np.random.default_rng(0).integers(len(base), size=(STACKED_DIGITS, 3))
    labels = base.labels[rows] @ np.array([100, 10, 1], np.int32)
    images = Stacked(base.columns["image"], rows)
    return make_source("image", images, labels, tuple(f"{label:03d}" for label in range(1000)), fitted(images.shape))


@dataclasses.dataclass(frozen=True)
class Stacked:
    """Images [N, H, W, 3] that are put together when read, as they would take 300 MB."""

    images: np.ndarray  # uint8 [M, H, W, 1]
    rows: np.ndarray  # int [N, 3]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.images.shape[1:3], 3)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return np.moveaxis(self.images[self.rows[rows], ..., 0], 1, -1)
