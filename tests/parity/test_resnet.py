"""Our residual networks against StudioGAN's, with its weights: what they compute, and how they begin."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from gan_jax import cli, networks
from gan_jax.networks.resnet import ConditionalBatchNorm
from parity.convert_resnet import convert, paths
from parity.fixtures import load

MIMICRY = {
    "generator": {
        "l1": "Dense_0",
        "block2.c1": "GeneratorBlock_0.Conv_0",
        "block2.c2": "GeneratorBlock_0.Conv_1",
        "block2.c_sc": "GeneratorBlock_0.Dense_0",
        "block2.b1": "GeneratorBlock_0.BatchNorm_0",
        "b5": "BatchNorm_0",
        "c5": "Conv_0",
    },
    "discriminator": {
        "block1.c1": "DiscriminatorBlock_0.Conv_0",
        "block1.c2": "DiscriminatorBlock_0.Conv_1",
        "block1.c_sc": "DiscriminatorBlock_0.Dense_0",
        "block3.c1": "DiscriminatorBlock_1.Conv_0",
        "block3.c2": "DiscriminatorBlock_1.Conv_1",
        "l5": "Dense_0",
    },
}
NAMES = ("sngan", "projection", "sagan", "biggan")
KEY = jax.random.key(0)


@cache
def numbers(name):
    return load(f"resnet_{name}")


def network(name, player):
    """What a config has for a player, but narrow."""
    config = cli.load_config(name).unlock()
    config.networks.generator.update(width=8, **({"embedding_size": 6} if name == "biggan" else {}))
    config.networks.discriminator.width = 8
    num_classes = 0 if name in ("sngan", "wgan_gp") else 10
    shape = {"shape": (32, 32, 3)} if player == "generator" else {}
    return networks.build(config, player.title(), num_classes=num_classes, **shape)


def variables(name, player):
    theirs = numbers(name)
    return jax.tree.map(jnp.asarray, convert(player, theirs[player], theirs[f"{player}_buffers"]))


def labels(name, count=4):
    return None if name == "sngan" else jnp.asarray(numbers(name)["labels"])[:count]


def pixels(images):
    """Those of the file, [B, C, h, w]."""
    return np.asarray(images).transpose(0, 3, 1, 2)[:, :, ::5, ::3]


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max(), rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_generator(name):
    generator, own, theirs = network(name, "generator"), variables(name, "generator"), numbers(name)
    train = jax.jit(lambda own, z: generator.apply(own, z, labels(name), train=True, mutable=["batch_stats"]))
    close(pixels(train(own, theirs["z"])[0]), theirs["trained"])
    test = jax.jit(lambda own, z: generator.apply(own, z, labels(name), train=False))
    close(pixels(test(own, theirs["z"])), theirs["tested"])


@pytest.mark.parametrize("name", NAMES)
def test_discriminator(name):
    discriminator, own, theirs = network(name, "discriminator"), variables(name, "discriminator"), numbers(name)
    images = theirs["images"].astype(np.float32).transpose(0, 2, 3, 1)
    output = jax.jit(lambda own, images: discriminator.apply(own, images, labels(name, 2)))(own, images)
    close(output.features, theirs["features"])
    close(output.logits, theirs["logits"])


@pytest.mark.parametrize("player, given", [("generator", (2, 4)), ("discriminator", (2, 8, 8, 3))])
def test_initial_weights_of_biggan(player, given):
    """The root mean square of every parameter, which is known of an orthogonal one, a one and a zero.

    One block of each kind is enough, of smaller images.
    """
    small = {"generator": {"shape": (8, 8, 3), "attention": 8}, "discriminator": {"attention": 4}}
    own = networks.bare(network("biggan", player)).clone(**small[player])
    ours = flatten_dict(jax.jit(own.init)(KEY, jnp.zeros(given), jnp.arange(2))["params"], sep=".")
    theirs = numbers("biggan")[f"{player}_initial"]
    theirs = {path: theirs[name] for name, path in paths(player, theirs).items()}
    for path, x in ours.items():
        assert float(jnp.sqrt(jnp.mean(x**2))) == pytest.approx(theirs[path], rel=1e-5), path


@pytest.mark.parametrize("player, given", [("generator", (2, 128)), ("discriminator", (2, 8, 8, 3))])
def test_initial_weights_of_sngan(player, given):
    """The root mean square of Mimicry's: uniform, with a gain of sqrt 2 in the branches.

    Its biases are not compared: they are as PyTorch has them, ours 0, as Chainer, and so SNGAN's authors, have them.
    """
    small = {"generator": {"shape": (8, 8, 3)}, "discriminator": {}}
    own = networks.bare(network("sngan", player)).clone(width=64, **small[player])
    ours = flatten_dict(jax.jit(own.init)(KEY, jnp.zeros(given))["params"], sep=".")
    theirs, layers = load("mimicry")[player], MIMICRY[player]
    for name, size in theirs.items():
        layer, _, leaf = name.rpartition(".")
        if layer in layers and leaf.startswith("weight"):
            x = ours[f"{layers[layer]}.{'scale' if 'Norm' in layers[layer] else 'kernel'}"]
            assert float(jnp.sqrt(jnp.mean(x**2))) == pytest.approx(size, rel=2 * x.size**-0.5), name


@pytest.mark.parametrize("name", ["projection", "sagan"])
def test_initial_gains_and_biases_of_conditional_batch_normalization(name):
    """1 and 0 in SNGAN's code (categorical_conditional_batch_normalization.py), orthogonal in StudioGAN's."""
    norm = ConditionalBatchNorm("batch", networks.bare(network(name, "generator")).initial_weights)
    own = norm.init(KEY, jnp.zeros((2, 1, 1, 8)), jnp.zeros((2, 10)), train=True)["params"]
    theirs = numbers("sagan")["generator_initial"] if name == "sagan" else {}
    for leaf in ("gain", "bias"):
        size = theirs.get(f"blocks.0.0.bn1.{leaf}.weight_orig", 0)
        assert float(jnp.sqrt(jnp.mean(own[leaf]["kernel"] ** 2))) == pytest.approx(size, rel=1e-5)


@pytest.mark.parametrize("name", ["sngan", "wgan_gp"])
def test_initial_gains_and_biases_of_batch_normalization(name):
    own = networks.bare(network(name, "generator")).clone(shape=(3, 2, 1))
    params = jax.jit(own.init)(KEY, jnp.zeros((2, 4)))["params"]
    theirs = numbers("sngan")["generator_initial"]
    for norm, their_name in {"BatchNorm_0": "bn4", "GeneratorBlock_0": "blocks.0.0.bn1"}.items():
        layer = params[norm] if norm == "BatchNorm_0" else params[norm]["BatchNorm_0"]
        assert jnp.all(layer["scale"] == theirs[f"{their_name}.weight"])
        assert jnp.all(layer["bias"] == theirs[f"{their_name}.bias"])
