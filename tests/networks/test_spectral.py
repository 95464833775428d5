"""Spectral normalization against the singular value decomposition, and when its estimates move."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import mlp
from gan_jax.networks.layers import Conv
from gan_jax.networks.spectral import SpectralNorm, sigma

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (4, 6))


def iterated(network, variables, x, times):
    for _ in range(times):
        _, updates = network.apply(variables, x, mutable=["spectral"])
        variables = {**variables, **updates}
    return variables


@pytest.mark.parametrize(
    "network, x", [(nn.Dense(5), X), (Conv(5, kernel_init=nn.initializers.normal(1)), X[:, None, None])]
)
def test_sigma_converges_to_the_largest_singular_value(network, x):
    network = SpectralNorm(network)
    variables = iterated(network, network.init(KEY, x), x, 60)
    w = np.asarray(variables["params"]["kernel"]).reshape(-1, 5)
    assert float(sigma(w, variables["spectral"]["kernel"])) == pytest.approx(np.linalg.svd(w)[1][0], rel=1e-5)


def test_the_network_has_normalized_weights():
    network = SpectralNorm(nn.Dense(5, bias_init=nn.initializers.normal(1)))
    variables = iterated(network, network.init(KEY, X), X, 60)
    w, bias = (np.asarray(variables["params"][name]) for name in ("kernel", "bias"))
    expected = X @ (w / np.linalg.svd(w)[1][0]) + bias
    np.testing.assert_allclose(network.apply(variables, X), expected, rtol=1e-4, atol=1e-5)


def test_the_gradient_is_that_of_the_normalized_weight():
    """Miyato et al. 2018, eq. 12, by finite differences of W / sigma(W) with the exact sigma."""
    network = SpectralNorm(nn.Dense(3, use_bias=False))
    variables = iterated(network, network.init(KEY, X), X, 100)
    w = np.asarray(variables["params"]["kernel"], np.float64)

    def value(w):
        return float(np.sum(np.tanh(np.asarray(X, np.float64) @ (w / np.linalg.svd(w)[1][0]))))

    gradient = jax.grad(lambda p: jnp.sum(jnp.tanh(network.apply({**variables, "params": p}, X))))(variables["params"])
    nudge = np.zeros_like(w)
    nudge[2, 1] = 1e-5
    slope = (value(w + nudge) - value(w - nudge)) / 2e-5
    assert float(gradient["kernel"][2, 1]) == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_one_call_is_one_step_of_the_power_iteration():
    network = SpectralNorm(nn.Dense(5))
    variables = network.init(KEY, X)
    w, u = np.asarray(variables["params"]["kernel"]), np.asarray(variables["spectral"]["kernel"])
    v = w @ u / np.linalg.norm(w @ u)
    expected = v @ w / np.linalg.norm(v @ w)
    _, updates = network.apply(variables, X, mutable=["spectral"])
    np.testing.assert_allclose(updates["spectral"]["kernel"], expected, rtol=1e-5)


def test_it_moves_only_when_it_may():
    network = SpectralNorm(mlp.Discriminator(width=4, norm="batch"))
    variables = network.init(KEY, X)
    _, updates = network.apply(variables, X, mutable=["batch_stats"])
    assert set(updates) == {"batch_stats"}
    _, updates = network.apply(variables, X, mutable=["batch_stats", "spectral"])
    assert set(updates) == {"batch_stats", "spectral"}
    del updates["spectral"]["Dense_3.kernel"]  # the last layer's one output has but one singular vector
    for path, u in updates["spectral"].items():
        assert not np.allclose(u, variables["spectral"][path])


def test_a_weight_of_0_stays_as_it_is_until_it_moves():
    network = SpectralNorm(nn.Dense(5, kernel_init=nn.initializers.zeros))
    variables = iterated(network, network.init(KEY, X), X, 2)
    loss = lambda p: jnp.sum(network.apply({**variables, "params": p}, X))
    gradient = jax.grad(loss)(variables["params"])["kernel"]
    np.testing.assert_allclose(gradient, np.broadcast_to(np.asarray(X).sum(axis=0)[:, None], (6, 5)), rtol=1e-5)
    variables["params"]["kernel"] -= gradient
    variables = iterated(network, variables, X, 30)
    w = np.asarray(variables["params"]["kernel"])
    assert float(sigma(w, variables["spectral"]["kernel"])) == pytest.approx(np.linalg.svd(w)[1][0], rel=1e-5)


def test_embeddings_are_normalized_biases_and_gains_are_not():
    network = SpectralNorm(mlp.Discriminator(num_classes=3, width=4, depth=1, norm="batch"))
    vectors = network.init(KEY, X, jnp.zeros(4, jnp.int32))["spectral"]
    assert set(vectors) == {"Dense_0.kernel", "Dense_1.kernel", "Embed_0.embedding"}


def test_layers_beside_the_network_are_left_as_they_are():
    """A game keeps a term's own layers among its discriminator's parameters."""
    network = SpectralNorm(nn.Dense(5))
    variables = network.init(KEY, X)
    more = {**variables, "params": {**variables["params"], "named": {"kernel": 9 * jnp.ones((2, 2))}}}
    expected, updates = network.apply(variables, X, mutable=["spectral"])
    found, found_updates = network.apply(more, X, mutable=["spectral"])
    np.testing.assert_array_equal(found, expected)
    assert found_updates["spectral"].keys() == updates["spectral"].keys() == {"kernel"}
