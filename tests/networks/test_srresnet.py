"""SRGAN's networks: the paper's sizes, the factors, the pixel shuffle, and a start that is calm."""

import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.networks.srresnet import Discriminator, Translator, pixel_shuffle

KEY = jax.random.key(0)


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def variables_of(network, *args):
    """Variables of which none is 0, in no time: to compile a network's `init` takes seconds."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(network.init, KEY, *args))
    return structure.unflatten([0.3 * normal(*x.shape, seed=i) for i, x in enumerate(leaves)])


def count(network, *args):
    return sum(x.size for x in jax.tree.leaves(jax.eval_shape(network.init, KEY, *args)["params"]))


def conv(c, d, size=3):
    return size**2 * c * d


@pytest.mark.parametrize("factor, doublings", [(1, 0), (2, 1), (4, 2), (8, 3)])
def test_srresnet_has_the_parameters_of_its_layers(factor, doublings):
    first, last = conv(3, 64, 9) + 64 + 1, conv(64, 3, 9) + 3
    block, up = 2 * (conv(64, 64) + 2 * 64) + 1, conv(64, 256) + 256 + 1
    expected = first + 16 * block + conv(64, 64) + 2 * 64 + doublings * up + last
    network, images = Translator((96, 96, 3), factor=factor), jnp.zeros((1, 24, 24, 3))
    assert count(network, images) == expected
    with_biases = expected - 33 * 64  # instead of a scale and a shift each
    assert count(network.clone(norm="none"), images) == with_biases


def test_the_discriminator_has_the_parameters_of_its_layers():
    widths = [64, 64, 128, 128, 256, 256, 512, 512]
    layers = sum(conv(c, d) + 2 * d for c, d in itertools.pairwise(widths))
    expected = conv(3, 64) + 64 + layers + (6 * 6 * 512 * 1024 + 1024) + (1024 + 1)
    assert count(Discriminator(), jnp.zeros((1, 96, 96, 3))) == expected


@pytest.mark.parametrize("norm", ["batch", "affine_instance", "instance", "none"])
@pytest.mark.parametrize("size, factor", [((8, 8), 4), ((5, 9), 2), ((7, 3), 1), ((2, 3), 8)])
def test_images_of_any_size(size, factor, norm):
    """And one set of variables for all of them."""
    network = Translator((8, 8, 1), factor=factor, width=4, blocks=1, norm=norm)
    variables = jax.eval_shape(network.init, KEY, jnp.zeros((1, 16, 16, 3)))
    made = jax.eval_shape(lambda v, x: network.apply(v, x, train=False), variables, jnp.zeros((2, *size, 3)))
    assert made.shape == (2, factor * size[0], factor * size[1], 1)
    large = jnp.zeros((2, 17 * factor, 30, 3))
    output, _ = jax.eval_shape(Discriminator(width=4, norm=norm).init_with_output, KEY, large)
    assert output.logits.shape == (2,) and output.features.shape == (2, 64)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixel_shuffle_against_its_definition(factor):
    x = np.asarray(normal(2, 3, 4, factor**2 * 5))
    expected = np.zeros((2, 3 * factor, 4 * factor, 5), np.float32)
    for i, j, u, v, c in np.ndindex(3, 4, factor, factor, 5):
        expected[:, factor * i + u, factor * j + v, c] = x[:, i, j, (factor * u + v) * 5 + c]
    np.testing.assert_array_equal(pixel_shuffle(jnp.asarray(x), factor), expected)


def test_it_is_what_the_paper_says():
    """Of one block and one doubling, layer by layer."""
    x, width = normal(2, 5, 6, 3), 4
    network = Translator((10, 12, 2), factor=2, width=width, blocks=1)
    variables = variables_of(network, x)
    made, _ = jax.jit(lambda v, x: network.apply(v, x, mutable=["batch_stats"]))(variables, x)
    params = variables["params"]

    def convolved(x, number):
        kernel, bias = params[f"Conv_{number}"]["kernel"], params[f"Conv_{number}"].get("bias", 0)
        return bias + nn.Conv(kernel.shape[-1], kernel.shape[:2], use_bias=False).apply(
            {"params": {"kernel": kernel}}, x
        )

    def norm(x, number):
        layer = params[f"BatchNorm_{number}"]
        x = (x - x.mean((0, 1, 2))) / jnp.sqrt(x.var((0, 1, 2)) + 1e-5)
        return x * layer["scale"] + layer["bias"]

    prelu = lambda x, number: jnp.where(x > 0, x, params[f"PReLU_{number}"]["negative_slope"] * x)
    first = prelu(convolved(x, 0), 0)
    y = first + norm(convolved(prelu(norm(convolved(first, 1), 0), 1), 2), 1)
    y = first + norm(convolved(y, 3), 2)
    y = convolved(prelu(pixel_shuffle(convolved(y, 4), 2), 2), 5)
    np.testing.assert_allclose(made, y, rtol=1e-3, atol=1e-3)


def test_slopes_start_at_a_quarter_and_are_learned():
    network, x = Translator((8, 8, 1), factor=2, width=2, blocks=1), normal(2, 4, 4, 1)
    variables = network.init(KEY, x)

    def loss(params):
        made, _ = network.apply({**variables, "params": params}, x, mutable=["batch_stats"])
        return jnp.sum(made**2)

    gradients = jax.jit(jax.grad(loss))(variables["params"])
    slopes = [name for name in variables["params"] if name.startswith("PReLU")]
    assert len(slopes) == 3
    for name in slopes:
        assert variables["params"][name]["negative_slope"] == 0.25 and gradients[name]["negative_slope"] != 0


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_it_starts_near_the_bicubic_enlargement(norm):
    """And no hidden map is large, also after all blocks, of which each adds a variance of 1 where it is normalized."""
    network = Translator((32, 32, 1), width=16, blocks=6, norm=norm, bicubic=True)
    x = 0.5 * normal(2, 8, 8, 1)
    initialized = jax.jit(network.init)(KEY, x)
    apply = jax.jit(lambda v, x: network.apply(v, x, capture_intermediates=True, mutable=True))
    made, seen = apply(initialized, x)
    enlarged = jax.image.resize(x, (2, 32, 32, 1), "cubic")
    assert 0 < jnp.abs(made - enlarged).mean() < 0.15
    hidden = [x for x in jax.tree.leaves(seen["intermediates"]) if x.ndim == 4 and x.shape[-1] >= 16]
    assert len(hidden) > 20 and all(x.std() < 5 for x in hidden)
    none = {**initialized, "params": jax.tree.map(jnp.zeros_like, initialized["params"])}
    np.testing.assert_allclose(apply(none, x)[0], enlarged, atol=1e-6)


def test_running_statistics_are_for_sampling():
    network, x = Translator((8, 8, 1), factor=1, width=2, blocks=1), normal(3, 6, 6, 1)
    variables = network.init(KEY, x)
    assert set(variables) == {"params", "batch_stats"}
    whole = network.apply(variables, x, train=False)
    np.testing.assert_allclose(network.apply(variables, x[:1], train=False), whole[:1], atol=1e-5)
    made, moved = network.apply(variables, x, mutable=["batch_stats"])
    assert not np.allclose(made, whole, atol=1e-3)
    before, after = (jax.tree.leaves(v["batch_stats"]) for v in (variables, moved))
    assert all((a != b).any() for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"factor": 3}, "--config.data.factor=3: srresnet needs a power of two"),
        ({"factor": 0}, "power of two"),
        ({"factor": -2}, "power of two"),
        ({"bicubic": True}, "--config.networks.generator.bicubic=True needs 3 channels in its input, not 1"),
    ],
)
def test_mistakes_of_a_translator_are_named(options, message):
    with pytest.raises(UserError, match=message):
        jax.eval_shape(Translator((8, 8, 3), width=2, blocks=1, **options).init, KEY, jnp.zeros((1, 4, 4, 1)))


@pytest.mark.parametrize("shape, classes, message", [((8, 8, 3), 10, "without labels"), ((2,), 0, "points")])
def test_mistakes_of_a_discriminator_are_named(shape, classes, message):
    with pytest.raises(UserError, match=message):
        jax.eval_shape(Discriminator(classes, width=2).init, KEY, jnp.zeros((2, *shape)))
