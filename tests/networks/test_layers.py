"""The convolution and its transpose: exact, forward and backward, of first and second order, for every size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gan_jax.errors import UserError
from gan_jax.networks.layers import (
    DIMENSIONS,
    MinibatchDiscrimination,
    conv,
    conv_transpose,
    minibatch_stddev,
    pyramid,
    reflect,
)

SIZES = [(4, 2, (14, 14)), (4, 2, (13, 7)), (3, 2, (6, 9)), (5, 3, (10, 11)), (4, 1, (5, 6)), (2, 2, (8, 8))]


def arrays(kernel_size, stride, size, seed=0):
    rng = np.random.default_rng(seed)
    h, w = (-(-side // stride) for side in size)
    x = rng.normal(size=(2, h, w, 3)).astype(np.float32)
    kernel = rng.normal(size=(kernel_size, kernel_size, 4, 3)).astype(np.float32)
    y = rng.normal(size=(2, *size, 4)).astype(np.float32)
    return x, kernel, y


def plain_conv(y, kernel, stride):
    return lax.conv_general_dilated(y, kernel, (stride, stride), "SAME", dimension_numbers=DIMENSIONS)


def plain_conv_transpose(x, kernel, stride, size):
    """The same linear map, left to JAX's own differentiation."""
    k, pads = kernel.shape[0], []
    for n, side in zip(x.shape[1:3], size, strict=True):
        before = max((n - 1) * stride + k - side, 0) // 2
        pads.append((k - 1 - before, side + before - (n - 1) * stride - 1))
    flipped = kernel[::-1, ::-1].swapaxes(2, 3)
    return lax.conv_general_dilated(
        x, flipped, (1, 1), pads, lhs_dilation=(stride, stride), dimension_numbers=DIMENSIONS
    )


def scattered(x, kernel, stride, size):
    """By its definition: every input pixel adds a scaled kernel to the result."""
    k = kernel.shape[0]
    before = [max((n - 1) * stride + k - side, 0) // 2 for n, side in zip(x.shape[1:3], size, strict=True)]
    canvas = np.zeros((x.shape[0], size[0] + 2 * k + stride, size[1] + 2 * k + stride, kernel.shape[2]))
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            top, left = i * stride, j * stride
            canvas[:, top : top + k, left : left + k] += np.einsum("bc,uvdc->buvd", x[:, i, j], kernel)
    return canvas[:, before[0] : before[0] + size[0], before[1] : before[1] + size[1]]


@pytest.mark.parametrize("kernel_size, stride, size", SIZES)
def test_against_numpy(kernel_size, stride, size):
    x, kernel, _ = arrays(kernel_size, stride, size)
    y = conv_transpose(x, kernel, stride, size)
    assert y.shape == (2, *size, 4)
    np.testing.assert_allclose(y, scattered(x, kernel, stride, size), atol=2e-5)


@pytest.mark.parametrize("kernel_size, stride, size", SIZES)
def test_is_the_adjoint_of_the_convolution(kernel_size, stride, size):
    x, kernel, y = arrays(kernel_size, stride, size)
    np.testing.assert_array_equal(conv(y, kernel, stride), plain_conv(y, kernel, stride))
    np.testing.assert_allclose(
        np.vdot(conv_transpose(x, kernel, stride, size), y), np.vdot(x, conv(y, kernel, stride)), rtol=1e-4
    )


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("kernel_size, stride, size", SIZES)
def test_gradients_equal_those_that_jax_derives(kernel_size, stride, size, transpose):
    small, kernel, large = arrays(kernel_size, stride, size)
    if transpose:
        x, g = small, large
        maps = (lambda x, k: conv_transpose(x, k, stride, size), lambda x, k: plain_conv_transpose(x, k, stride, size))
    else:
        x, g = large, small
        maps = (lambda x, k: conv(x, k, stride), lambda x, k: plain_conv(x, k, stride))

    def first(f):
        return jax.grad(lambda x, k: jnp.vdot(jnp.tanh(f(x, k)), g), (0, 1))

    def second(f):  # of squared norms of gradients, as gradient penalties and path lengths need it
        return jax.grad(lambda x, k: sum(jnp.sum(part**2) for part in first(f)(x, k)), (0, 1))

    for order, tolerance in ((first, 1e-4), (second, 1e-2)):
        ours, theirs = (jax.jit(order(f))(x, kernel) for f in maps)
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-3, atol=tolerance)


@pytest.mark.parametrize(
    "shape, sizes",
    [
        ((28, 28, 1), [(7, 7), (14, 14), (28, 28)]),
        ((32, 32, 3), [(4, 4), (8, 8), (16, 16), (32, 32)]),
        ((48, 80, 3), [(6, 10), (12, 20), (24, 40), (48, 80)]),
        ((37, 21, 3), [(10, 6), (19, 11), (37, 21)]),
        ((5, 5, 1), [(3, 3), (5, 5)]),
        ((1, 1, 1), [(1, 1), (1, 1)]),
    ],
)
def test_pyramid(shape, sizes):
    assert pyramid(shape) == sizes


def test_minibatch_discrimination_against_its_formula():
    """Salimans et al. 2016: o_b(x_i) = sum_j exp(-|M_ib - M_jb|_1)."""
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    o, variables = MinibatchDiscrimination(kernels=3, dimensions=2).init_with_output(jax.random.key(0), x)
    m = (x @ np.asarray(variables["params"]["Dense_0"]["kernel"])).reshape(5, 3, 2)
    for i in range(5):
        for b in range(3):
            expected = sum(np.exp(-np.abs(m[i, b] - m[j, b]).sum()) for j in range(5))
            np.testing.assert_allclose(o[i, b], expected, rtol=1e-5)


def test_minibatch_stddev_is_the_mean_deviation():
    x = np.random.default_rng(0).normal(size=(6, 3, 2, 4)).astype(np.float32)
    seen = minibatch_stddev(jnp.array(x))
    assert seen.shape == (6, 3, 2, 1)
    np.testing.assert_allclose(seen, np.full_like(seen, x.std(axis=0).mean()), rtol=1e-5)


def images(*shape):
    return np.random.default_rng(0).normal(2, 3, size=shape).astype(np.float32)


def test_reflect():
    x = images(2, 4, 6, 3)
    y = np.asarray(reflect(jnp.asarray(x), 3))
    assert y.shape == (2, 10, 12, 3)
    rows, columns = [3, 2, 1, 0, 1, 2, 3, 2, 1, 0], [3, 2, 1, 0, 1, 2, 3, 4, 5, 4, 3, 2]
    np.testing.assert_array_equal(y, x[:, rows][:, :, columns])
    with pytest.raises(UserError, match="4x6"):
        reflect(jnp.asarray(x), 4)
