"""BigGAN's networks for 32 and 128 pixels, with the weights of BigGAN-PyTorch and its results."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import networks
from parity.fixtures import load
from parity.importing import assert_close, imported

NUMBERS = load("biggan")
EVERY = {32: 1, 128: 8}


@pytest.fixture(scope="module", params=[32, 128])
def case(request, tmp_path_factory):
    """(the run, its size, the peer's numbers)"""
    size = request.param
    names = [f"biggan{size}_{network}.pth" for network in "GD"]
    run = imported(tmp_path_factory.mktemp(f"{size}") / "run", "biggan_pytorch", names)
    suffix = f"_{size}"
    return run, size, {k.removesuffix(suffix): v for k, v in NUMBERS.items() if k.endswith(suffix)}


def test_generator(case):
    run, size, numbers = case
    given = {"label": jnp.asarray(numbers["labels"])}
    made = jax.jit(run.experiment.game.spaces["z"].decode)(run.state.variables, numbers["z"], given, None, None)
    assert made.shape == (3, size, size, 3)
    assert_close(np.asarray(made)[:, :: EVERY[size], :: EVERY[size]], numbers["made"], 1e-5)


def test_discriminator(case):
    run, size, numbers = case
    network = networks.build(run.config, "Discriminator", num_classes=3)
    own = {name: run.state.variables["discriminator"][name] for name in ("params", "spectral")}
    images = jnp.broadcast_to(numbers["images"].astype(np.float32), (3, size, size, 3))
    logits = jax.jit(network.apply)(own, images, jnp.asarray(numbers["labels"])).logits
    assert_close(np.asarray(logits)[:, None], numbers["logits"], 1e-5)
