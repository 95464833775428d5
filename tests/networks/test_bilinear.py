"""The filter [1, 3, 3, 1]: by hand, against SciPy, and with the convolutions that it goes with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from drawn import normal

from gan_jax.networks.bilinear import blur, downsample, downsampled_conv, upsample, upsampled_conv
from gan_jax.networks.layers import conv


@pytest.mark.parametrize("size", [(6, 8), (7, 5)])
def test_filters_against_scipy(size):
    """[1, 3, 3, 1], which is what the authors' code makes of [1, 2, 1], with a zero on each side of the image."""
    x = np.asarray(normal(2, *size, 3))
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1])[None, :, :, None]
    around = ((0, 0), *((1, 1 + side % 2) for side in size), (0, 0))
    filtered = scipy.signal.convolve(np.pad(x, around), taps / 64, mode="valid")
    coarse = downsample(x)
    np.testing.assert_allclose(coarse, filtered[:, ::2, ::2], atol=1e-6)
    between = np.zeros((2, *(2 * side for side in coarse.shape[1:3]), 3))
    between[:, ::2, ::2] = coarse
    filtered = scipy.signal.convolve(np.pad(between, ((0, 0), (2, 1), (2, 1), (0, 0))), taps / 16, mode="valid")
    np.testing.assert_allclose(upsample(coarse, size), filtered[:, : size[0], : size[1]], atol=1e-6)


def test_filters_are_centered():
    """A slope stays a slope, at the same places."""
    slope = jnp.broadcast_to(jnp.arange(16.0)[None, None, :, None], (1, 16, 16, 1))
    coarse = downsample(slope)
    np.testing.assert_allclose(coarse[0, 3, 1:-1, 0], np.arange(1, 7) * 2 + 0.5, rtol=1e-6)
    np.testing.assert_allclose(upsample(coarse, (16, 16))[0, 7, 4:-4, 0], np.arange(4, 12), rtol=1e-6)


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_blur_against_scipy(gain):
    x = normal(2, 5, 6, 3)
    taps = gain**2 * np.outer([1, 3, 3, 1], [1, 3, 3, 1])[None, :, :, None] / 64
    expected = scipy.signal.convolve(np.pad(x, ((0, 0), (1, 2), (1, 2), (0, 0))), taps, mode="valid")
    np.testing.assert_allclose(blur(x, (1, 2), gain), expected, atol=1e-6)


def test_convolutions_between_resolutions_are_filters_and_convolutions():
    """Away from the border: the convolution, flipped, of the enlarged image, and every second pixel of another."""
    x, kernel = normal(2, 8, 6, 3), normal(3, 3, 3, 4)
    up = upsampled_conv(x, kernel, (16, 12))
    plain = conv(upsample(x, (16, 12)), kernel[::-1, ::-1], 1)
    np.testing.assert_allclose(up[:, 3:-3, 3:-3], plain[:, 3:-3, 3:-3], rtol=1e-4, atol=1e-4)
    down = downsampled_conv(x, kernel)
    plain = conv(blur(x, (2, 2), gain=1), kernel, 1, "valid")[:, ::2, ::2]
    np.testing.assert_allclose(down, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(7, 5), (3, 8)])
def test_odd_sizes(size):
    x, kernel = normal(1, *size, 2), normal(3, 3, 2, 3)
    coarse = jax.eval_shape(downsampled_conv, x, kernel).shape
    assert coarse[:3] == jax.eval_shape(downsample, x).shape[:3] == (1, *(-(-side // 2) for side in size))
    assert upsampled_conv(normal(*coarse), kernel.swapaxes(2, 3), size).shape == (1, *size, 2)
