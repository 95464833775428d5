"""How close an image comes to its target: numbers for tasks that have one, such as translation and super-resolution."""

import math

import chex
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError

SMALLEST = float(jnp.finfo(jnp.float32).eps) ** 2  # mean squared difference, for a ratio that is finite
WINDOW, SIGMA = 11, 1.5  # pixels, of SSIM's Gaussian
K1, K2 = 0.01, 0.03
GAUSSIAN = [math.exp(-0.5 * ((i - WINDOW // 2) / SIGMA) ** 2) for i in range(WINDOW)]
WEIGHTS = [weight / sum(GAUSSIAN) for weight in GAUSSIAN]


def l1(a: jax.Array, b: jax.Array) -> jax.Array:
    """The mean absolute difference.

    Args:
        a: uint8 (or float in [0, 255]) [B, H, W, C].
        b: [B, H, W, C], in the same units.

    Returns:
        [B], over pixels and channels; black and white are 1 apart.
    """
    return jnp.mean(jnp.abs(_difference(a, b)), axis=(1, 2, 3))


def squared_error(a: jax.Array, b: jax.Array) -> jax.Array:
    """The SUM of squared differences over pixels and channels, which grows with the size.

    Args:
        a: uint8 (or float in [0, 255]) [B, H, W, C].
        b: [B, H, W, C], in the same units.

    Returns:
        [B]; black and white are 1 apart.
    """
    return jnp.sum(_difference(a, b) ** 2, axis=(1, 2, 3))


def sharpness_difference(a: jax.Array, b: jax.Array) -> jax.Array:
    """How alike the steps between neighboring pixels are: the steeper the edges in one alone, the lower.

    Args:
        a: uint8 (or float in [0, 255]) [B, H, W, C], H and W at least 2.
        b: [B, H, W, C], in the same units.

    Returns:
        [B], -10 log10 of the mean absolute difference of |step from above| + |step from the left| over pixels and
        channels, in dB. Equal images get 138.5 dB, see `psnr`.

    Reference: Mathieu et al. 2016, section 4, the measure of sharpness.
    """
    _check(a, b)
    steps = []
    for x in (a.astype(jnp.float32), b.astype(jnp.float32)):  # levels, whose differences are exact
        inside = x[:, 1:, 1:]
        steps.append(jnp.abs(inside - x[:, :-1, 1:]) + jnp.abs(inside - x[:, 1:, :-1]))
    return -10 * jnp.log10(jnp.maximum(jnp.mean(jnp.abs(steps[0] - steps[1]), axis=(1, 2, 3)) / 255, SMALLEST))


def sharpness(a: jax.Array) -> jax.Array:
    """The mean squared difference of neighbors in a row, and of neighbors in a column, added.

    An edge that is blurred over n pixels has an n-th of that of a sharp one; noise has much.

    Args:
        a: uint8 (or float in [0, 255]) [B, H, W, C].

    Returns:
        [B], over pixels and channels; black and white are 1 apart. 0 of a single row for its columns.
    """
    chex.assert_rank(a, 4)
    squared = [_difference(a[:, 1:], a[:, :-1]) ** 2, _difference(a[:, :, 1:], a[:, :, :-1]) ** 2]
    return sum(jnp.mean(each, axis=(1, 2, 3)) for each in squared if each.size)


def psnr(a: jax.Array, b: jax.Array) -> jax.Array:
    """The peak signal-to-noise ratio.

    Args:
        a: uint8 (or float in [0, 255]) [B, H, W, C].
        b: [B, H, W, C], in the same units.

    Returns:
        [B], 10 log10(255^2 / the mean squared difference over pixels and channels), in dB. Equal images, which would
        have an infinite one, get 138.5 dB: more than two that differ by one level in one of a billion places.
    """
    return -10 * jnp.log10(jnp.maximum(jnp.mean(_difference(a, b) ** 2, axis=(1, 2, 3)), SMALLEST))


def ssim(a: jax.Array, b: jax.Array) -> jax.Array:
    """The structural similarity: do means, contrasts and structure agree in every small window?

    Args:
        a: uint8 (or float in [0, 255]) [B, H, W, C], H and W at least 11.
        b: [B, H, W, C], in the same units.

    Returns:
        [B], in [-1, 1], 1 for equal images: the mean over channels and over the places where the window fits into the
        image.

    Raises:
        UserError: the window fits nowhere.

    Reference: Wang et al. 2004, eq. 13, with the window and the constants of section III.B and III.C.
    """
    _check(a, b)
    height, width = a.shape[1:3]
    if min(height, width) < WINDOW:
        raise UserError(f"SSIM takes images of at least {WINDOW}x{WINDOW} pixels, not {height}x{width}")
    a, b = (x.astype(jnp.float32) / 255 for x in (a, b))
    middle_a, middle_b = (jnp.mean(x, axis=(1, 2), keepdims=True) for x in (a, b))
    # Around the image's own mean, where E[x^2] - E[x]^2 loses the fewest digits.
    a, b = a - middle_a, b - middle_b
    mean_a, mean_b = _blur(a), _blur(b)
    var_a, var_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    mean_a, mean_b = mean_a + middle_a, mean_b + middle_b
    luminance = (2 * mean_a * mean_b + K1**2) / (mean_a**2 + mean_b**2 + K1**2)
    structure = (2 * covariance + K2**2) / (var_a + var_b + K2**2)
    return jnp.mean(luminance * structure, axis=(1, 2, 3))


def _check(a: jax.Array, b: jax.Array) -> None:
    chex.assert_rank([a, b], 4)
    chex.assert_equal_shape([a, b])


def _difference(a: jax.Array, b: jax.Array) -> jax.Array:
    _check(a, b)
    return (a.astype(jnp.float32) - b.astype(jnp.float32)) / 255


def _blur(x: jax.Array) -> jax.Array:
    """[B, H, W, C] -> [B, H - 10, W - 10, C]; as sums, since GPUs would multiply a convolution with 10 bits."""
    height, width = (side - WINDOW + 1 for side in x.shape[1:3])
    x = sum(weight * x[:, i : i + height] for i, weight in enumerate(WEIGHTS))
    return sum(weight * x[:, :, i : i + width] for i, weight in enumerate(WEIGHTS))
