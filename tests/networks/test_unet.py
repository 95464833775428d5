"""The U-Net: the paper's size, any picture's, its skip connections, and noise that is of the example and its key."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.networks import unet
from gan_jax.networks.layers import conv, conv_transpose
from gan_jax.networks.unet import Translator, dropped

KEY = jax.random.key(0)


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def variables_of(network, *args):
    """Variables of which none is 0, in no time: to compile a network's `init` takes seconds."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(network.init, KEY, *args))
    return structure.unflatten([0.3 * normal(*x.shape, seed=i) for i, x in enumerate(leaves)])


def test_it_has_the_parameters_of_the_authors_network():
    variables = jax.eval_shape(Translator((256, 256, 3)).init, KEY, jnp.zeros((1, 256, 256, 3)))
    assert set(variables) == {"params"}
    assert sum(x.size for x in jax.tree.leaves(variables)) == 54_413_955


@pytest.mark.parametrize("norm", ["affine_instance", "instance", "batch", "none"])
@pytest.mark.parametrize("size, depth", [((16, 16), 4), ((13, 22), 4), ((3, 3), 2), ((1, 37), 3), ((257, 300), 8)])
def test_images_of_any_size(size, depth, norm):
    """And one set of variables for all of them."""
    network = Translator((8, 8, 2), width=2, depth=depth, norm=norm)
    variables = jax.eval_shape(network.init, KEY, jnp.zeros((1, 256, 256, 3)))
    made = jax.eval_shape(lambda v, x: network.apply(v, x, train=False), variables, jnp.zeros((3, *size, 3)))
    assert made.shape == (3, *size, 2)


def test_it_is_what_the_paper_says():
    """Depth 3, layer by layer."""
    x = normal(2, 11, 14, 3)
    network = Translator((11, 14, 2), width=2, depth=3)
    variables = variables_of(network, x)
    kernels = lambda name: [variables["params"][f"{name}_{i}"]["kernel"] for i in range(3)]
    (down_0, down_1, down_2), (up_2, up_1, up_0) = kernels("Conv"), kernels("ConvTranspose")

    def norm(x, number):
        params = variables["params"][f"InstanceNorm_{number}"]
        x = (x - x.mean((1, 2), keepdims=True)) / jnp.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
        return x * params["scale"] + params["bias"]

    leaky, relu, join = lambda x: jnp.where(x > 0, x, 0.2 * x), lambda x: jnp.maximum(x, 0), jnp.concatenate
    a = conv(x, down_0, 2)
    b = norm(conv(leaky(a), down_1, 2), 0)
    c = conv(leaky(b), down_2, 2)
    y = join([b, norm(conv_transpose(relu(c), up_2, 2, (3, 4)), 1)], axis=-1)
    y = join([a, norm(conv_transpose(relu(y), up_1, 2, (6, 7)), 2)], axis=-1)
    y = conv_transpose(relu(y), up_0, 2, (11, 14)) + variables["params"]["ConvTranspose_2"]["bias"]
    np.testing.assert_allclose(network.apply(variables, x), jnp.tanh(y), rtol=1e-4, atol=1e-5)


def test_skip_connections_carry_detail():
    """With the way through level k + 1 cut, the levels above it still see the image; with that through 0 cut, none."""
    network = Translator((16, 16, 1), width=2, depth=4, norm="none")
    images = normal(2, 16, 16, 3)
    variables = variables_of(network, images)
    for level in range(4):
        cut = {f"Conv_{level}": jax.tree.map(jnp.zeros_like, variables["params"][f"Conv_{level}"])}
        one, other = network.apply({"params": {**variables["params"], **cut}}, images)
        assert np.allclose(one, other, atol=1e-6) == (level == 0)


def test_one_example_does_not_depend_on_the_others():
    images = normal(3, 9, 8, 3)
    network = Translator((9, 8, 3), width=2, depth=3)
    apply = jax.jit(partial(network.apply, variables_of(network, images)))
    whole, changed = apply(images), apply(images.at[::2].multiply(3.0))
    np.testing.assert_allclose(changed[1], whole[1], atol=1e-5)
    assert jnp.abs(changed - whole).max() > 0.1


def test_dropout_is_of_the_example_and_its_key():
    """However a batch is cut or ordered, and at test too."""
    images, rows, others = normal(4, 64, 34, 1), jnp.arange(4), jnp.array([3, 1, 1, 0])
    network = Translator((64, 34, 1), width=1, depth=6)
    variables = variables_of(network, images)
    apply = jax.jit(lambda key, rows: network.apply(variables, images[rows], train=False, key=key, index=rows))
    whole, other, silent = apply(KEY, rows), apply(jax.random.key(1), rows), apply(None, rows)
    np.testing.assert_array_equal(apply(KEY, rows), whole)
    np.testing.assert_allclose(apply(KEY, others), whole[others], atol=1e-5)
    np.testing.assert_array_equal(apply(None, rows), silent)
    for a, b in ((whole, other), (whole, silent)):
        assert all(jnp.abs(x - y).max() > 1e-3 for x, y in zip(a, b, strict=True))


def test_dropout_keeps_the_mean():
    x = jnp.ones((2, 50, 50, 4))
    y = dropped(x, KEY, 0, jnp.arange(2), 0.25)
    assert set(np.unique(y)) == {np.float32(0), np.float32(4 / 3)}
    np.testing.assert_allclose(y.mean((1, 2, 3)), 1, atol=0.03)
    assert dropped(x, KEY, 0, jnp.arange(2), 0.0) is x and dropped(x, None, 0, None, 0.5) is x
    assert (y[0] != y[1]).any() and (y != dropped(x, KEY, 1, jnp.arange(2), 0.25)).any()


@pytest.mark.parametrize(
    "size, depth, expected",
    [(256, 8, [(4, 4, 512), (8, 8, 512), (16, 16, 512)]), (128, 7, [(4, 4, 512), (8, 8, 512)]), (64, 5, [])],
)
def test_dropout_is_just_outside_the_innermost(size, depth, expected, monkeypatch):
    seen = []

    def record(draw, key, index, shape):
        seen.append(shape)
        return jax.vmap(lambda i: draw(key, shape))(index)

    monkeypatch.setattr(unet, "per_example", record)
    images = jnp.zeros((2, size, size, 3))
    jax.eval_shape(lambda x: Translator(x.shape[1:], depth=depth).init(KEY, x, key=KEY, index=jnp.arange(2)), images)
    assert seen == expected


@pytest.mark.parametrize(
    "size, options, message",
    [
        ((128, 128), {}, r"128x128: set --config.networks.generator.depth=7"),
        ((100, 40), {}, r"generator.depth=7"),
        ((64, 64), {"depth": 9}, r"generator.depth=6"),
        ((2, 2), {"depth": 2}, "it needs 3 pixels"),
        ((16, 16), {"depth": 1}, "depth >= 2"),
        ((16, 16), {"depth": 3, "dropout": 1.0}, "dropout < 1"),
    ],
)
def test_mistakes_are_named(size, options, message):
    with pytest.raises(UserError, match=message):
        jax.eval_shape(Translator((*size, 3), width=2, **options).init, KEY, jnp.zeros((1, *size, 3)))


def test_the_depth_it_names_is_right():
    for size in ((256, 256), (100, 40), (129, 3), (5, 4), (3, 1)):
        deepest = (max(size) - 1).bit_length()
        images = jnp.zeros((1, *size, 1))
        jax.eval_shape(Translator((*size, 1), width=1, depth=deepest).init, KEY, images)
        with pytest.raises(UserError, match=f"depth={deepest}"):
            jax.eval_shape(Translator((*size, 1), width=1, depth=deepest + 1).init, KEY, images)
