"""Equalized learning rates and modulation, against their definitions."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drawn import normal
from jax import lax

from gan_jax.networks.equalized import Conv, Dense, leaky_relu, normalize
from gan_jax.networks.layers import DIMENSIONS

KEY = jax.random.key(0)


def grouped(x, kernel, style, demodulate=True):
    """The definition: a kernel for each example, and one convolution in as many groups as there are examples."""
    batch, height, width, channels = x.shape
    features = kernel.shape[-1]
    own = style[:, None, None, :, None] * kernel[None] / np.sqrt(9 * channels)
    if demodulate:
        own = own / jnp.sqrt(jnp.sum(own**2, axis=(1, 2, 3), keepdims=True) + 1e-8)
    own = own.transpose(1, 2, 3, 0, 4).reshape(3, 3, channels, batch * features)
    x = x.transpose(1, 2, 0, 3).reshape(1, height, width, batch * channels)
    y = lax.conv_general_dilated(x, own, (1, 1), "SAME", dimension_numbers=DIMENSIONS, feature_group_count=batch)
    return y.reshape(height, width, batch, features).transpose(2, 0, 1, 3)


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulation_is_a_convolution_in_groups_and_so_are_its_gradients(demodulate):
    layer = Conv(5, demodulate=demodulate, use_bias=False)
    x, style, kernel = normal(3, 6, 4, 2), 1 + normal(3, 2, seed=1), normal(3, 3, 2, 5, seed=2)
    ours = lambda x, kernel, style: layer.apply({"params": {"kernel": kernel}}, x, style)

    @partial(jax.jit, static_argnums=0)
    def with_gradients(f, *args):
        value = lambda *args: jnp.sum(jnp.tanh(f(*args)))
        penalty = lambda *args: sum(jnp.sum(g**2) for g in jax.grad(value, (0, 2))(*args))
        return f(*args), jax.grad(value, (0, 1, 2))(*args), jax.grad(penalty, (0, 1, 2))(*args)

    results = with_gradients(ours, x, kernel, style)
    expected = with_gradients(partial(grouped, demodulate=demodulate), x, kernel, style)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-4), results, expected)


def test_demodulated_features_have_a_mean_square_of_1():
    layer = Conv(64, use_bias=False)
    x, style = normal(4, 16, 16, 32), 3 * normal(4, 32, seed=1)
    y, _ = layer.init_with_output(KEY, x, style)
    assert float(jnp.mean(y[:, 1:-1, 1:-1] ** 2)) == pytest.approx(1, rel=0.1)


def test_a_dense_layer_draws_large_weights_for_a_small_learning_rate():
    x = normal(200, 50)
    layer = Dense(30, bias_init=2.0, learning_rate=0.01)
    y, variables = layer.init_with_output(KEY, x)
    kernel, bias = variables["params"]["kernel"], variables["params"]["bias"]
    assert float(kernel.std()) == pytest.approx(100, rel=0.05) and set(np.asarray(bias).tolist()) == {2.0}
    np.testing.assert_allclose(y, x @ kernel * 0.01 / 50**0.5 + 0.02, rtol=1e-4, atol=1e-4)
    gradient = jax.grad(lambda kernel: jnp.sum(layer.apply({"params": {"kernel": kernel, "bias": bias}}, x)))(kernel)
    expected = jnp.sum(x, axis=0)[:, None] * 0.01 / 50**0.5 * jnp.ones(30)
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-5)


def test_activation_and_normalization_keep_the_magnitude():
    x = normal(1000, 100)
    assert float(jnp.mean(leaky_relu(x) ** 2)) == pytest.approx(1.04, rel=0.02)
    np.testing.assert_allclose(jnp.mean(normalize(7 * x) ** 2, axis=-1), 1, rtol=1e-5)
    assert float(leaky_relu(jnp.float32(-1))) == pytest.approx(-0.2 * 2**0.5)
