"""Convolutions in forms that XLA's CPU backend runs faster than its own; their gradients too.

They are products of matrices and sums, equal to the convolution to rounding. An accelerator's libraries have better
forms of their own.
"""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

CHANNELS = 64  # from which tiles pay: below, forming them takes longer than the products that they save
ROWS = 1024  # of patches that are formed at a time, so that they stay in a cache


Padding = Sequence[tuple[int, int]]  # zeros (before, after) the rows, and the columns


def form(shape: tuple[int, ...], kernel_shape: tuple[int, ...], stride: int, padding: Padding) -> Callable | None:
    """What convolves an image of `shape` [B, H, W, C] fastest, `(x, kernel, stride, padding) -> y`; None: XLA's own.

    As measured (`docs/performance.md`). Tiles that go over the border of the result would cost what they save.
    """
    (batch, height, width, _), (kh, kw, channels, features) = shape, kernel_shape
    if stride == 1 < kh * kw and kh * kw * features <= channels:
        return by_taps
    (top, bottom), (left, right) = padding
    rows, columns = (height + top + bottom - kh) // stride + 1, (width + left + right - kw) // stride + 1
    if batch * rows * columns <= features:
        return as_product
    fits = (kh, kw, stride) == (4, 4, 2) and height % 4 == width % 4 == 0 and list(padding) == [(1, 1), (1, 1)]
    return by_tiles if fits and min(channels, features) >= CHANNELS else None


def as_product(x: jax.Array, kernel: jax.Array, stride: int, padding: Padding) -> jax.Array:
    """One matrix product with all the patches of x: for few patches.

    They then take less memory than the kernel, which, with its gradient, is not copied into another order.
    """
    rows, features = patches(jnp.pad(x, ((0, 0), *padding, (0, 0))), kernel.shape, stride), kernel.shape[3]
    return (rows.reshape(-1, rows.shape[-1]) @ kernel.reshape(-1, features)).reshape(*rows.shape[:3], features)


def patches(x: jax.Array, kernel_shape: tuple[int, ...], stride: int) -> jax.Array:
    """What each place of a kernel's result sees of x [B, H, W, C], which is padded: [B, h, w, kh kw C]."""
    (kh, kw, *_), (_, height, width, _) = kernel_shape, x.shape
    places = ((i, j) for i in range(kh) for j in range(kw))
    parts = [x[:, i : height - kh + i + 1 : stride, j : width - kw + j + 1 : stride] for i, j in places]
    stacked = jnp.stack(parts, axis=3)
    return stacked.reshape(*stacked.shape[:3], -1)


def by_taps(x: jax.Array, kernel: jax.Array, stride: int, padding: Padding) -> jax.Array:
    """For a stride of 1 and few features: a product with all taps of the kernel, whose results are moved and added.

    XLA's gradient of a kernel with one feature is 15 times as slow: it convolves with images of one channel.
    """
    kh, kw, channels, features = kernel.shape
    (top, bottom), (left, right) = padding
    height, width = x.shape[1] + top + bottom - kh + 1, x.shape[2] + left + right - kw + 1
    taps = x.reshape(-1, channels) @ kernel.transpose(2, 0, 1, 3).reshape(channels, -1)
    taps = jnp.pad(taps.reshape(*x.shape[:3], kh, kw, features), ((0, 0), *padding, (0, 0), (0, 0), (0, 0)))
    return sum(taps[:, i : i + height, j : j + width, i, j] for i in range(kh) for j in range(kw))


def by_tiles(x: jax.Array, kernel: jax.Array, stride: int, padding: Padding) -> jax.Array:
    """For a 4x4 kernel, a stride of 2, one zero on each side of even sides: 9 products for a 2x2 tile of y, not 16.

    With the even and odd pixels as channels, the kernel has 2x2 taps and no stride. In each direction, a tile of
    y0 = d0 k0 + d1 k1 and y1 = d1 k0 + d2 k1 is y0 = (d0 - d1) k0 + m and y1 = m + (d2 - d1) k1, m = d1 (k0 + k1).

    Reference: Winograd 1980, F(2, 2); Lavin and Gray 2016, section 4.
    """
    (batch, height, width, channels), features = x.shape, kernel.shape[3]
    down, across = -(-height // 4), -(-width // 4)  # tiles
    x = jnp.pad(x, ((0, 0), (1, 4 * down + 3 - height), (1, 4 * across + 3 - width), (0, 0)))
    x = x.reshape(batch, down + 1, 2, 2, across + 1, 2, 2, channels)  # tile, its d0 or d1, even or odd; again; channel
    by_rows = [part for row in _differences(x, 1) for part in _differences(row, 3)]
    tiles = [part.transpose(0, 1, 3, 2, 4, 5).reshape(batch * down * across, -1) for part in by_rows]
    taps = kernel.reshape(2, 2, 2, 2, channels, features).transpose(0, 2, 1, 3, 4, 5).reshape(2, 2, -1, features)
    sums = [tap for row in _sums(taps) for tap in _sums(row)]
    m = [(tile @ tap).reshape(batch, down, across, features) for tile, tap in zip(tiles, sums, strict=True)]
    top, middle, bottom = ((a + b, b + c) for a, b, c in (m[:3], m[3:6], m[6:]))
    pairs = ([a + b for a, b in zip(*rows, strict=True)] for rows in ((top, middle), (middle, bottom)))
    y = jnp.stack([jnp.stack(pair, axis=3) for pair in pairs], axis=2)
    return y.reshape(batch, 2 * down, 2 * across, features)[:, : height // 2, : width // 2]


def transposed_over_time(
    x: jax.Array, kernel: jax.Array, stride: int, width: int, padding: Padding
) -> jax.Array | None:
    """The transpose of a convolution of a kernel with one row: a product with all its taps, whose results are moved and
    added. None: XLA's own is faster, where there are many places; of few it is up to 200 times as slow.

    Args:
        x: [B, 1, w, D].
        kernel: [1, k, C, D].
        stride, padding: of the convolution.
        width: W.

    Returns:
        [B, 1, W, C]
    """
    (batch, height, places, _), (kh, taps, channels, features) = x.shape, kernel.shape
    if kh != 1 or height != 1 or taps < 2 * stride or batch * places > ROWS:
        return None
    blocks = -(-taps // stride)
    parts = x.reshape(-1, features) @ kernel.reshape(-1, features).T
    parts = jnp.pad(parts.reshape(batch, places, taps, channels), ((0, 0), (0, 0), (0, blocks * stride - taps), (0, 0)))
    parts = parts.reshape(batch, places, blocks, stride * channels)
    y = sum(jnp.pad(parts[:, :, n], ((0, 0), (n, blocks - 1 - n), (0, 0))) for n in range(blocks))
    before, after = padding[1]
    y = jnp.pad(y.reshape(batch, -1, channels), ((0, 0), (0, max(before + width + after, 0)), (0, 0)))
    return y[:, None, before : before + width]


def kernel_gradient(
    x: jax.Array, kernel_shape: tuple[int, ...], stride: int, padding: Padding, g: jax.Array
) -> jax.Array | None:
    """Of a 3x3 kernel: a product of g with the patches of x, for some examples after the others; None: XLA's own.

    Args:
        x: [B, H, W, C].
        kernel_shape: [kh, kw, C, D].
        stride, padding: of the convolution.
        g: [B, h, w, D], the gradient of the result.
    """
    kh, kw, channels, features = kernel_shape
    if (kh, kw) != (3, 3) or min(channels, features) < CHANNELS // 4:
        return None
    x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
    batch, height, width, _ = g.shape
    count = math.gcd(batch, max(1, ROWS // (height * width)))

    def add(total, part):
        x, g = part
        rows = patches(x, kernel_shape, stride).reshape(-1, 9 * channels)
        return total + rows.T @ g.reshape(-1, features), None

    parts = [a.reshape(batch // count, count, *a.shape[1:]) for a in (x, g)]
    total, _ = lax.scan(add, jnp.zeros((9 * channels, features), g.dtype), parts)
    return total.reshape(kernel_shape)


def _differences(x: jax.Array, axis: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """d0 - d1, d1, d2 - d1 of each tile along an axis, after which comes one with its d0 and d1; d2 is the next d0."""
    even, odd = (lax.index_in_dim(x, i, axis + 1, keepdims=False) for i in (0, 1))
    count = x.shape[axis] - 1
    d0, d1, d2 = (lax.slice_in_dim(d, i, i + count, axis=axis) for d, i in ((even, 0), (odd, 0), (even, 1)))
    return d0 - d1, d1, d2 - d1


def _sums(taps: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """k0, k0 + k1, k1."""
    return taps[0], taps[0] + taps[1], taps[1]
