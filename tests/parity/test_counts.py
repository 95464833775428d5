"""The parameters of the networks of configs, counted, against those of the authors' or StudioGAN's code.

Theirs were counted in networks made by that code (StudioGAN 947b35e, R3GAN 19a7ddf, and models/networks.py of
pytorch-CycleGAN-and-pix2pix) or by its lists of layers (improved_wgan_training fa66c57, improved-gan 4f5d1ec).
"""

import jax
import pytest
from playing import fields_of

from gan_jax import cli
from gan_jax.config import complete
from gan_jax.data import fields_for_inputs
from gan_jax.experiment import build

CIFAR10, FACADES, MNIST = (32, 32, 3), (256, 256, 3), (28, 28, 1)


def counts(name, shape, changes=()):
    """{player: number of its parameters}"""
    config = cli.load_config(name).unlock()
    for player, own in dict(changes).items():
        config.networks[player] = own
    config = complete(config)
    fields = fields_of(shape, 10 if config.get("labels") != "ignore" else 0)
    fields |= fields_for_inputs(config.data, fields)
    variables = build(config, fields).state_shapes.variables
    return {player: sum(x.size for x in jax.tree.leaves(own["params"])) for player, own in variables.items()}


@pytest.mark.parametrize(
    "name, generator, discriminator",
    [
        ("wgan_gp", 1_204_483, 1_053_825),
        ("sngan", 4_276_739, 1_053_825),
        ("projection", 4_304_387, 1_055_105),
        ("sagan", 4_386_308, 1_075_586),
        ("biggan", 9_416_196, 2_415_170),
        ("r3gan", 20_781_952, 21_280_512),
    ],
)
def test_as_the_peers(name, generator, discriminator):
    assert counts(name, CIFAR10) == {"generator": generator, "discriminator": discriminator}


def test_dcgan_is_ours():
    """StudioGAN's, with 3,812,355 and 2,931,009, have more than three times as many."""
    assert counts("dcgan", CIFAR10) == {"generator": 1_068_931, "discriminator": 663_361}


def test_acgan_is_ours():
    """Of `sngan`, with conditional batch normalization as in `projection`, and a classifier."""
    assert counts("acgan", CIFAR10) == {"generator": 4_304_387, "discriminator": 1_053_825 + 129 * 10}


def test_srgan():
    """SRResNet is leftthomas/SRGAN's, of 16 blocks, but for 2,112 biases that batch normalization undoes."""
    found = counts("folder_superres", FACADES)
    assert found["generator"] == 1_549_462 - 2_112 and found["discriminator"] == 23_563_649


def test_pix2pix():
    assert counts("facades_pix2pix", FACADES) == {"generator": 54_413_955, "discriminator": 2_768_705}


def test_cyclegan():
    """Of two translators and two discriminators."""
    assert counts("facades_cyclegan", FACADES) == {"generator": 2 * 11_378_179, "discriminator": 2 * 2_764_737}


def test_improved_gan():
    mlps = {player: {"name": "improved"} for player in ("generator", "discriminator")}
    assert counts("semi_supervised", MNIST, mlps) == {"generator": 694_568, "discriminator": 1_538_770}
