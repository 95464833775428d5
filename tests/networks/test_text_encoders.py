"""Captions to numbers: a gated recurrent unit, a bag of words; and what stage II makes of small images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import bag, gru
from gan_jax.networks.stackgan import Refiner

KEY = jax.random.key(0)
WORDS = jnp.array([[3, 1, 4, 0, 0], [4, 1, 3, 0, 0], [2, 0, 0, 0, 0]])


@pytest.mark.parametrize("module", [gru, bag])
def test_nothing_follows_the_last_word(module):
    encoder = module.TextEncoder(6, 4, width=8)
    variables = encoder.init(KEY, WORDS)
    encoded = encoder.apply(variables, WORDS)
    assert encoded.shape == (3, 4)
    np.testing.assert_allclose(encoder.apply(variables, WORDS[:, :3]), encoded, atol=1e-6)
    np.testing.assert_allclose(encoder.apply(variables, jnp.pad(WORDS, ((0, 0), (0, 3)))), encoded, atol=1e-6)
    same = np.abs(encoded[0] - encoded[1]).max() < 1e-6
    assert same == (module is bag)  # of the same words in another order
    assert np.isfinite(encoder.apply(variables, jnp.zeros((1, 3), int))).all()


def test_the_unit_is_that_of_the_paper():
    """Cho et al. 2014, eqs. 5-8, with the reset gate where cuDNN has it: after the product with the state."""
    encoder = gru.TextEncoder(6, 4, width=3)
    variables = jax.tree.map(lambda leaf: jax.random.normal(KEY, leaf.shape), encoder.init(KEY, WORDS))
    own = jax.tree.map(np.asarray, variables["params"])
    (name,) = (name for name in own if "GRU" in name)
    dense = lambda layer, x: x @ own[name][layer]["kernel"] + own[name][layer].get("bias", 0)
    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    state = np.zeros(3)
    for word in (3, 1, 4):
        x = own["Embed_0"]["embedding"][word]
        reset, update = (sigmoid(dense(f"i{gate}", x) + dense(f"h{gate}", state)) for gate in "rz")
        state = (1 - update) * np.tanh(dense("in", x) + reset * dense("hn", state)) + update * state
    wanted = state @ own["Dense_0"]["kernel"] + own["Dense_0"]["bias"]
    np.testing.assert_allclose(encoder.apply(variables, WORDS)[0], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size, small, halvings", [((16, 16), (8, 8), 1), ((20, 12), (5, 3), 0)])
def test_small_images_become_large(size, small, halvings):
    refiner = Refiner((*size, 3), 2, width=4, halvings=halvings, blocks=1, norm="none")
    images, condition = jax.random.normal(KEY, (2, *small, 3)), jnp.array([[1.0, 0], [0, 1]])
    variables = refiner.init(KEY, images, condition)
    made = refiner.apply(variables, images, condition)
    assert made.shape == (2, *size, 3) and np.abs(made).max() <= 1
    assert np.abs(made - refiner.apply(variables, images, condition[::-1])).max() > 1e-6
    assert np.abs(made - refiner.apply(variables, images[::-1], condition)).max() > 1e-6
