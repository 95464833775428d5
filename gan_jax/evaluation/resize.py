"""How images come to the size that a network of features takes: part of the protocol, worth more than 1 FID."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np


def legacy(images: jax.Array, size: int | tuple[int, int]) -> jax.Array:
    """As TensorFlow 1 did, and so the original FID: bilinear, without antialiasing, half a pixel off.

    Args:
        images: uint8 (or float in [0, 255]) [B, H, W, C].
        size: (H', W') of the result, or the length of both sides.

    Returns:
        float32 [B, H', W', C] in [0, 255].
    """
    return _resize(images, size, _bilinear)


def clean(images: jax.Array, size: int | tuple[int, int]) -> jax.Array:
    """As clean-fid does: bicubic and antialiased, like Pillow's, neither rounded nor clipped to [0, 255] thereafter.

    Arguments and result are those of `legacy`, but that values may overshoot a little.

    Reference: Parmar et al. 2022, On aliased resizing and surprising subtleties in GAN evaluation, section 3.
    """
    return _resize(images, size, _bicubic)


def _resize(images: jax.Array, size: int | tuple[int, int], weights: Callable[[int, int], np.ndarray]) -> jax.Array:
    """By one matrix for the rows and one for the columns; `weights(n, m)` gives the one [m, n] from n pixels to m."""
    rows, columns = map(weights, images.shape[1:3], np.broadcast_to(size, 2))
    # GPUs would multiply with 10 bits otherwise.
    exact = jax.lax.Precision.HIGHEST
    return jnp.einsum("yh,bhwc,xw->byxc", rows, images.astype(jnp.float32), columns, precision=exact)


def _bilinear(n: int, size: int) -> np.ndarray:
    places = np.arange(size, dtype=np.float32) * np.float32(n / size)  # rounded as there: it decides between neighbors
    below = places.astype(int)
    matrix = np.zeros((size, n), np.float32)
    np.add.at(matrix, (np.arange(size), below), 1 - (places - below))
    np.add.at(matrix, (np.arange(size), np.minimum(below + 1, n - 1)), places - below)
    return matrix


def _bicubic(n: int, size: int) -> np.ndarray:
    """Keys' kernel with a = -1/2, as wide as a pixel of the coarser grid, and cut off at the border."""
    x = (np.arange(n) + 0.5) - (np.arange(size)[:, None] + 0.5) * n / size
    x = np.abs(x) / max(n / size, 1)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    matrix = np.where(x < 1, near, np.where(x < 2, far, 0))
    return (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)
