"""U-Net, PatchGAN and the ResNet of CycleGAN, with the weights of their authors' code and its results."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import networks
from gan_jax.config import config_for
from parity.fixtures import load
from parity.importing import apply, assert_close, imported

NUMBERS = load("translators")


@pytest.fixture(scope="module")
def pix2pix(tmp_path_factory):
    size = "--config.data.image_size=64", "--config.data.jitter=72"
    return imported(tmp_path_factory.mktemp("a") / "run", "pix2pix", ["pix2pix_G.pth", "pix2pix_D.pth"], *size)


@pytest.fixture(scope="module")
def cyclegan(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("a") / "run", "cyclegan", ["", "cyclegan_G_A.pth", "cyclegan_D_A.pth"])


def seen(name):
    return NUMBERS[f"{name}_x"].astype(np.float32) / 127.5 - 1


def logits(run, params, images):
    network = networks.build(run.config, "Discriminator")
    return np.asarray(jax.jit(network.apply)({"params": params}, images).logits)[..., None]


def test_unet(pix2pix):
    made = apply(pix2pix, "ab", {"input": seen("pix2pix_G")})
    assert_close(made[:, ::2], NUMBERS["pix2pix_G_y"], 1e-5)


def test_patch_of_pix2pix(pix2pix):
    made = logits(pix2pix, pix2pix.state.variables["discriminator"]["params"], seen("pix2pix_D"))
    assert_close(made, NUMBERS["pix2pix_D_y"], 5e-6)


def test_resnet(cyclegan):
    assert_close(apply(cyclegan, "ba", {"image": seen("cyclegan_G_A")}), NUMBERS["cyclegan_G_A_y"], 3e-5)
    with pytest.raises(AssertionError):  # the other way is as initialized
        assert_close(apply(cyclegan, "ab", {"input": seen("cyclegan_G_A")}), NUMBERS["cyclegan_G_A_y"], 0.1)


def test_patch_of_cyclegan(cyclegan):
    params = cyclegan.state.variables["discriminator"]["params"]
    assert_close(logits(cyclegan, params["b"], seen("cyclegan_D_A")), NUMBERS["cyclegan_D_A_y"], 5e-6)


def test_as_many_patches_as_there():
    network = networks.build(config_for("pix2pix"), "Discriminator")
    images = jax.ShapeDtypeStruct((1, 256, 256, 6), jnp.float32)
    output, _ = jax.eval_shape(network.init_with_output, jax.random.key(0), images)
    assert output.logits.shape == (1, 30, 30)
