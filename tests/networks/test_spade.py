"""SPADE's generator: its normalization against NumPy, any size, and its noise. Its authors' numbers: tests/parity."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from gan_jax.errors import UserError
from gan_jax.networks.spade import Spade, Translator

KEY = jax.random.key(0)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def maps_of(*shape, classes=3):
    return jax.nn.one_hot(np.random.default_rng(1).integers(0, classes, shape), classes)


def variables_of(init, *args):
    leaves, structure = jax.tree.flatten(jax.eval_shape(init, KEY, *args))
    return structure.unflatten([0.3 * normal(*x.shape, seed=i) for i, x in enumerate(leaves)])


def convolved(x, layer):
    """[H, W, C] with a 3x3 kernel, borders of zeros."""
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    features = [correlate(padded, layer["kernel"][..., d], mode="valid")[..., 0] for d in range(layer["bias"].size)]
    return np.stack(features, axis=-1) + layer["bias"]


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_what_is_normalized_is_modulated_by_the_map_at_its_place(norm):
    x, maps = 3 + 2 * normal(2, 4, 6, 5), maps_of(2, 8, 12)
    spade = Spade(norm, hidden=4)
    params = variables_of(partial(spade.init, train=True), x, maps)["params"]
    made, _ = spade.apply({"params": params}, x, maps, True, mutable=["batch_stats"])
    axes = (0, 1, 2) if norm == "batch" else (1, 2)
    plain = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    for n in range(2):
        seen = np.maximum(convolved(np.asarray(maps[n, ::2, ::2]), params["shared"]), 0)
        expected = plain[n] * (1 + convolved(seen, params["gamma"])) + convolved(seen, params["beta"])
        np.testing.assert_allclose(made[n], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(16, 16), (13, 22), (3, 9)])
@pytest.mark.parametrize("latents", [0, 4])
def test_maps_of_any_size_and_one_set_of_variables(size, latents):
    network = Translator((16, 16, 3), width=2, depth=2, latent_size=latents, hidden=3, norm="instance")
    variables = jax.eval_shape(network.init, KEY, maps_of(1, 16, 16))
    made = jax.eval_shape(lambda v: network.apply(v, maps_of(2, *size), train=False), variables)
    assert made.shape == (2, *size, 3)


def test_latents_are_of_the_place_and_the_key():
    network, maps = Translator((8, 8, 3), width=2, depth=2, latent_size=4, hidden=3), maps_of(1, 8, 8)
    maps = jnp.repeat(maps, 2, axis=0)
    variables = variables_of(network.init, maps)
    variables["batch_stats"] = jax.tree.map(lambda leaf: jnp.abs(leaf) + 0.5, variables["batch_stats"])
    apply = jax.jit(lambda **how: network.apply(variables, maps, train=False, **how))
    one = apply(key=KEY, index=jnp.array([3, 4]))
    assert not np.allclose(one[0], one[1], atol=1e-3)
    np.testing.assert_allclose(apply(key=KEY, index=jnp.array([4, 3]))[::-1], one, atol=1e-5)
    none = apply()
    np.testing.assert_allclose(none[0], none[1], atol=1e-5)
    made = network.apply(variables, maps, jnp.zeros((2, 4)), train=False, method="make")
    np.testing.assert_allclose(made, none, atol=1e-5)


def test_too_deep():
    with pytest.raises(UserError, match=r"spade of depth 6 is too deep for images of 5x16: set .*depth=4"):
        jax.eval_shape(Translator((5, 16, 3), depth=6).init, KEY, maps_of(1, 5, 16))
    jax.eval_shape(Translator((5, 16, 3), width=1, depth=4).init, KEY, maps_of(1, 5, 16))
