"""Spectral normalization against torch.nn.utils.spectral_norm: its iteration, its estimate, and its gradient."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks.condition import Embed
from gan_jax.networks.layers import Conv
from gan_jax.networks.spectral import SpectralNorm, sigma
from parity.fixtures import load

THEIRS = load("spectral")
LAYERS = {"dense": nn.Dense(5, use_bias=False), "conv": Conv(6, 3, 1, use_bias=False), "embedding": Embed(7, 4)}


def to_ours(name, w):
    """A weight, or its gradient, as our layer has it."""
    return {"dense": w.T, "conv": w.transpose(2, 3, 1, 0) if w.ndim == 4 else w, "embedding": w}[name]


def channels_last(x):
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x


def start(name, u):
    leaf = "embedding" if name == "embedding" else "kernel"
    return {"params": {leaf: jnp.asarray(to_ours(name, THEIRS[f"{name}_w"]))}, "spectral": {leaf: jnp.asarray(u)}}


def iterated(name, rounds):
    network, variables, x = SpectralNorm(LAYERS[name]), start(name, THEIRS[f"{name}_u0"]), inputs(name)
    for _ in range(rounds):
        _, updates = network.apply(variables, x, mutable=["spectral"])
        variables |= updates
    return variables


def inputs(name):
    return jnp.asarray(channels_last(THEIRS[f"{name}_x"]))


def matrix(variables):
    (w,) = variables["params"].values()
    return w.reshape(-1, w.shape[-1])


@pytest.mark.parametrize("rounds", [1, 2, 3, 12])
@pytest.mark.parametrize("name", ["dense", "conv"])
def test_u_after_some_iterations(name, rounds):
    u = iterated(name, rounds)["spectral"]["kernel"]
    np.testing.assert_allclose(u, THEIRS[f"{name}_u{rounds}"], atol=1e-6)


@pytest.mark.parametrize("rounds", [1, 2, 12])
@pytest.mark.parametrize("name", ["dense", "conv"])
def test_their_sigma_is_half_an_iteration_behind(name, rounds):
    """Theirs is |W v|, v of the u before; ours |W^T u|, u of that v: between theirs now and after another one."""
    variables = iterated(name, rounds)
    w, u = matrix(variables), variables["spectral"]["kernel"]
    before = jnp.asarray(THEIRS[f"{name}_u0"]) if rounds == 1 else iterated(name, rounds - 1)["spectral"]["kernel"]
    v = w @ before / jnp.linalg.norm(w @ before)
    theirs, ours = THEIRS[f"{name}_sigma{rounds}"], float(sigma(w, u))
    assert float(jnp.linalg.norm(v @ w)) == pytest.approx(theirs, rel=1e-6)
    assert theirs < ours < THEIRS[f"{name}_sigma{rounds + 1}"]


@pytest.mark.parametrize("name", LAYERS)
def test_normalized_layer_and_gradient_after_convergence(name):
    # Of an embedding, theirs is the transposed W: their v is our u.
    network = SpectralNorm(LAYERS[name])
    variables = start(name, THEIRS[f"{name}_v" if name == "embedding" else f"{name}_u300"])
    cotangent = channels_last(THEIRS[f"{name}_cotangent"])

    def value(params):
        y = network.apply({**variables, "params": params}, inputs(name))
        return jnp.sum(y * cotangent), y

    gradient, y = jax.grad(value, has_aux=True)(variables["params"])
    (gradient,) = gradient.values()
    np.testing.assert_allclose(y, channels_last(THEIRS[f"{name}_y"]), atol=1e-5)
    np.testing.assert_allclose(gradient, to_ours(name, THEIRS[f"{name}_gradient"]), atol=1e-5)
