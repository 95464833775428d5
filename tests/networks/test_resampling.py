"""Resampling by hand, and that what is saved at a convolution changes no number beyond rounding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks.layers import conv
from gan_jax.networks.resampling import conv_of_upsampled, pool, pooled_conv, upsample


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_against_numpy(size):
    x = np.asarray(normal(2, *size, 3))
    mean = pool(x)
    for i, j in np.ndindex(mean.shape[1:3]):
        np.testing.assert_allclose(
            mean[:, i, j], x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(axis=(1, 2)), atol=1e-6
        )
    finer = upsample(mean, size)
    assert finer.shape == x.shape
    for i, j in np.ndindex(size):
        np.testing.assert_array_equal(finer[:, i, j], mean[:, i // 2, j // 2])


@pytest.mark.parametrize("size", [(8, 6), (4, 2), (5, 6), (7, 3)])
@pytest.mark.parametrize("way", ["up", "down"])
def test_fast_and_slow_forms_are_equal_and_so_are_their_gradients(way, size):
    """To second order, as gradient penalties need them."""
    if way == "up":
        x = normal(2, -(-size[0] // 2), -(-size[1] // 2), 3)
        fast = lambda x, kernel: conv_of_upsampled(x, kernel, size)
        slow = lambda x, kernel: conv(upsample(x, size), kernel, 1)
    else:
        x, fast, slow = normal(2, *size, 3), pooled_conv, lambda x, kernel: pool(conv(x, kernel, 1))
    kernel = normal(3, 3, 3, 4, seed=1)

    def orders(f):
        value = lambda x, kernel: jnp.sum(jnp.sin(f(x, kernel)))
        slope = lambda x, kernel: jnp.sum(jax.grad(value)(x, kernel) ** 2)
        return f(x, kernel), jax.grad(value, (0, 1))(x, kernel), jax.grad(slope, (0, 1))(x, kernel)

    for ours, plain in zip(*(jax.tree.leaves(jax.jit(lambda f=f: orders(f))()) for f in (fast, slow)), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-4 * float(jnp.max(jnp.abs(plain))))
