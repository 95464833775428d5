"""Twice or half the resolution by the bilinear filter [1, 3, 3, 1], alone or with a convolution.

Outside an image are zeros. So its borders are darker after a filter, as they are in the authors' code of StyleGAN2 and
R3GAN.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.networks.layers import conv, conv_transpose


def shift(x: jax.Array, by: int, axis: int) -> jax.Array:
    """x_{i - by} along `axis`, with zeros from outside."""
    return lax.pad(x, jnp.zeros((), x.dtype), [(by, -by, 0) if a == axis else (0, 0, 0) for a in range(x.ndim)])


def upsample(x: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Bilinear interpolation of [B, h, w, C] to (H, W) = `size`, of which (h, w) is the half, rounded up.

    In each direction zeros between the pixels, filtered by [1, 3, 3, 1] / 4. So new pixels lie a quarter of an old one
    from its center, on either side.
    """
    for axis, length in enumerate(size, start=1):
        x = jnp.stack([(shift(x, 1, axis) + 3 * x) / 4, (3 * x + shift(x, -1, axis)) / 4], axis + 1)
        x = x.reshape(*x.shape[:axis], -1, *x.shape[axis + 2 :])
        x = lax.slice_in_dim(x, 0, length, axis=axis)
    return x


def downsample(x: jax.Array) -> jax.Array:
    """[B, H, W, C] to [B, ceil(H / 2), ceil(W / 2), C]: means of 2x2 windows, weighted by [1, 3, 3, 1] / 8.

    In each direction a window is filtered with a pixel on either side.
    """
    x = jnp.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)))
    for axis in (1, 2):
        even, odd = (lax.slice_in_dim(x, start, None, 2, axis=axis) for start in (0, 1))
        x = (shift(odd, 1, axis) + 3 * (even + odd) + shift(even, -1, axis)) / 8
    return x


def blur(x: jax.Array, pad: tuple[int, int], gain: float) -> jax.Array:
    """[B, H, W, C] filtered by `gain` * [1, 3, 3, 1] / 8 in each direction, with so many zeros before and after it.

    The result has sum(pad) - 3 more rows and columns.
    """
    x = jnp.pad(x, ((0, 0), pad, pad, (0, 0)))
    for axis in (1, 2):
        part = partial(lax.slice_in_dim, x, axis=axis)
        a, b, c, d = (part(i, x.shape[axis] - 3 + i) for i in range(4))
        x = (a + 3 * (b + c) + d) * (gain / 8)
    return x


def upsampled_conv(x: jax.Array, kernel: jax.Array, size: tuple[int, int]) -> jax.Array:
    """A 3x3 convolution, flipped, of x with zeros between its pixels, which is then filtered.

    On a plane without borders it is the convolution of the filtered x.

    Args:
        x: [B, h, w, C].
        kernel: [3, 3, C, D].
        size: (H, W) of the result, of which (h, w) is the half, rounded up.

    Returns:
        [B, H, W, D]
    """
    height, width = x.shape[1:3]
    y = conv_transpose(x, kernel.swapaxes(2, 3), 2, (2 * height + 1, 2 * width + 1), "valid")
    return blur(y, (1, 1), gain=2)[:, : size[0], : size[1]]


def downsampled_conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """A 3x3 convolution of stride 2 of what is filtered: [B, H, W, C] to [B, ceil(H / 2), ceil(W / 2), D]."""
    x = jnp.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)))
    return conv(blur(x, (2, 2), gain=1), kernel, 2, "valid")
