"""The 10,000 test images of MNIST, which come with the library."""

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.data import pictures
from gan_jax.data.source import Source, make_source

FORM = "digits"
SIDE = 28


def open_source(rest: str, config: Any) -> Source:
    """uint8 [28, 28, 1], or what `image_size` and `fit` make of them, of 10 classes."""
    return digits(pictures.parse_size(config.image_size), config.fit)


def digits(size: tuple[int, int] | None = None, fit: str = "crop") -> Source:
    """The digits.

    Args:
        size: (H, W) to resize to, or None for the 28x28 pixels as they are.
        fit: how to, see `pictures.fitted`.

    Returns:
        A source of uint8 [28, 28, 1] (or [H, W, 1]) and 10 classes.
    """
    images, labels = (_read_idx(f"t10k-{part}-ubyte.gz") for part in ("images-idx3", "labels-idx1"))
    images = pictures.resize(images[..., None], size, fit)
    return make_source("image", images, labels.astype(np.int32), tuple("0123456789"), fitted(images.shape))


def fitted(shape: tuple[int, ...]) -> dict[str, str]:
    """What is known of digits [N, H, W, C]: those of 28x28 pixels are evaluated by the embedded classifier."""
    return {"features": "classifier"} if shape[1:3] == (SIDE, SIDE) else {}


def _read_idx(name: str) -> np.ndarray:
    """An IDX file's bytes: 3 bytes of magic, the rank, every dimension as 4 bytes, the values."""
    data = gzip.decompress((Path(__file__).parents[1] / "mnist" / name).read_bytes())
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, count=math.prod(map(int, shape)), offset=4 + 4 * data[3]).reshape(shape)
