"""CycleGAN's ResNet: the paper's size, any picture's, and its layers one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.networks.layers import conv, conv_transpose
from gan_jax.networks.translation import Translator

KEY = jax.random.key(0)


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def variables_of(network, *args):
    """Variables of which none is 0, in no time: to compile a network's `init` takes seconds."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(network.init, KEY, *args))
    return structure.unflatten([0.3 * normal(*x.shape, seed=i) for i, x in enumerate(leaves)])


@pytest.mark.parametrize("blocks, expected", [(9, 11_378_179), (6, 11_378_179 - 3 * 2 * (9 * 256 * 256 + 256))])
def test_it_has_the_parameters_of_the_authors_network(blocks, expected):
    variables = jax.eval_shape(Translator((256, 256, 3), blocks=blocks).init, KEY, jnp.zeros((1, 256, 256, 3)))
    assert set(variables) == {"params"}
    assert sum(x.size for x in jax.tree.leaves(variables)) == expected


@pytest.mark.parametrize("size", [(8, 8), (5, 5), (17, 30), (64, 9), (127, 128)])
def test_images_of_any_size(size):
    """And one set of variables for all of them."""
    network = Translator((8, 8, 1), width=2, blocks=1)
    variables = jax.eval_shape(network.init, KEY, jnp.zeros((1, 256, 256, 3)))
    assert jax.eval_shape(network.apply, variables, jnp.zeros((3, *size, 3))).shape == (3, *size, 1)


@pytest.mark.parametrize("size", [(4, 4), (1, 64), (32, 3)])
def test_small_images_are_rejected(size):
    with pytest.raises(UserError, match="5x5 or more, not {}x{}".format(*size)):
        jax.eval_shape(Translator((*size, 3), width=2).init, KEY, jnp.zeros((1, *size, 3)))


def test_it_is_what_the_paper_says():
    """With one block, layer by layer; and what an example becomes does not depend on the others."""
    x = normal(2, 9, 14, 3)
    network = Translator((9, 14, 2), width=2, blocks=1)
    variables = variables_of(network, x)
    made = jax.jit(network.apply)(variables, x)
    params = variables["params"]

    def reflected(x, number):
        layer = params[f"ReflectedConv_{number}"]["Conv_0"]
        pad = layer["kernel"].shape[0] // 2
        padded = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="reflect")
        return conv(padded, layer["kernel"], 1)[:, pad:-pad, pad:-pad] + layer["bias"]

    strided = lambda x, layer: conv(x, layer["kernel"], 2, "torch") + layer["bias"]
    enlarged = lambda x, layer, size: conv_transpose(x, layer["kernel"], 2, size, "torch") + layer["bias"]
    norm = lambda x: (x - x.mean((1, 2), keepdims=True)) / jnp.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    activate = lambda x: jnp.maximum(norm(x), 0)

    y = activate(reflected(x[1:], 0))
    y = activate(strided(y, params["Conv_0"]))
    y = activate(strided(y, params["Conv_1"]))
    y += norm(reflected(activate(reflected(y, 1)), 2))
    y = activate(enlarged(y, params["ConvTranspose_0"], (5, 7)))
    y = activate(enlarged(y, params["ConvTranspose_1"], (9, 14)))
    np.testing.assert_allclose(made[1:], jnp.tanh(reflected(y, 3)), atol=1e-4)
    np.testing.assert_allclose(network.apply(variables, x, train=False, key=KEY, index=jnp.arange(2)), made, atol=1e-4)


def test_weights_start_as_the_paper_says():
    params = jax.jit(Translator((5, 5, 3), width=8, blocks=1).init)(KEY, jnp.zeros((1, 5, 5, 3)))["params"]
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        if path[-1].key == "bias":
            assert not leaf.any()
        else:
            np.testing.assert_allclose(leaf.std(), 0.02, rtol=0.1)
