"""Twice or half the resolution, alone or with the 3x3 convolution that it goes with in residual blocks."""

import jax
import jax.numpy as jnp

from gan_jax.networks.layers import conv, conv_transpose


def upsample(x: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Every pixel of [B, h, w, C] twice in both directions, cropped to `size`; (h, w) is half of it, rounded up."""
    return x.repeat(2, axis=1).repeat(2, axis=2)[:, : size[0], : size[1]]


def windows(x: jax.Array) -> jax.Array:
    """[B, H, W, C] in 2x2 windows, [B, h, 2, w, 2, C], the last row or column repeated where their number is odd."""
    batch, height, width, features = x.shape
    x = jnp.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), "edge")
    return x.reshape(batch, -(-height // 2), 2, -(-width // 2), 2, features)


def pool(x: jax.Array) -> jax.Array:
    """The means of 2x2 windows: [B, H, W, C] to [B, ceil(H / 2), ceil(W / 2), C]."""
    return windows(x).mean(axis=(2, 4))


def _boxed(kernel: jax.Array) -> jax.Array:
    """The sum of a kernel [kh, kw, C, D] at four places, next to each other: [kh + 1, kw + 1, C, D]."""
    places = (((i, 1 - i), (j, 1 - j), (0, 0), (0, 0)) for i in (0, 1) for j in (0, 1))
    return sum(jnp.pad(kernel, place) for place in places)


def conv_of_upsampled(x: jax.Array, kernel: jax.Array, size: tuple[int, int]) -> jax.Array:
    """`conv(upsample(x, size), kernel, 1)` for a 3x3 kernel, to rounding.

    Where the size is even, it is a transposed convolution with a 4x4 kernel of stride 2, which takes 4 products for
    each pixel and channel in place of 9, and no memory for the upsampled image.
    """
    if size[0] % 2 or size[1] % 2:
        return conv(upsample(x, size), kernel, 1)
    return conv_transpose(x, _boxed(kernel[::-1, ::-1].swapaxes(2, 3)), 2, size)


def pooled_conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`pool(conv(x, kernel, 1))` for a 3x3 kernel, to rounding.

    Where the size is even, it is a convolution with a 4x4 kernel of stride 2, which takes 4 products for each pixel and
    channel of x in place of 9, and no memory for what is pooled.
    """
    if x.shape[1] % 2 or x.shape[2] % 2:
        return pool(conv(x, kernel, 1))
    return conv(x, _boxed(kernel) / 4, 2)
