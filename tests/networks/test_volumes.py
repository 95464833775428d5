"""Convolutions of solids, against XLA's own, and 3D-GAN's networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gan_jax.errors import UserError
from gan_jax.networks import volumes, voxgan


def example(sides, channels=3, features=5, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, *sides, channels)).astype(np.float32)
    return x, rng.normal(size=(4, 4, 4, channels, features)).astype(np.float32)


@pytest.mark.parametrize("sides", [(4, 6, 8), (5, 4, 7), (1, 2, 3)])
def test_a_convolution_is_xlas(sides):
    x, kernel = example(sides)
    pads = [(1, 1 + side % 2) for side in sides]
    wanted = lax.conv_general_dilated(x, kernel, (2, 2, 2), pads, dimension_numbers=volumes.DIMENSIONS)
    np.testing.assert_allclose(volumes.conv(x, kernel), wanted, rtol=1e-4, atol=1e-4)
    assert wanted.shape[1:4] == tuple(-(-side // 2) for side in sides)


@pytest.mark.parametrize("sides", [(4, 6, 8), (5, 4, 7)])
def test_the_transpose_is_the_adjoint(sides):
    x, kernel = example(sides)
    y = np.random.default_rng(1).normal(size=volumes.conv(x, kernel).shape).astype(np.float32)
    back = volumes.conv_transpose(y, kernel, sides)
    assert back.shape == x.shape
    np.testing.assert_allclose(np.sum(volumes.conv(x, kernel) * y), np.sum(x * back), rtol=1e-3)


def test_other_platforms_get_a_convolution(monkeypatch):
    x, kernel = example((5, 4, 6))
    with_products = volumes.conv(x, kernel)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    np.testing.assert_allclose(volumes.conv(x, kernel), with_products, rtol=1e-4, atol=1e-4)


def test_the_networks_of_the_paper():
    """Of 64 voxels: 512, 256, 128 and 64 channels at 4, 8, 16 and 32."""
    shapes = jax.eval_shape(voxgan.Generator((64, 64, 64, 1)).init, jax.random.key(0), jnp.zeros((1, 200)))["params"]
    kernels = [shapes[f"ConvTranspose_{n}"]["kernel"].shape[3:] for n in range(4)]
    assert kernels == [(256, 512), (128, 256), (64, 128), (1, 64)]
    shapes = jax.eval_shape(voxgan.Discriminator().init, jax.random.key(0), jnp.zeros((1, 64, 64, 64, 1)))["params"]
    kernels = [shapes[f"Conv_{n}"]["kernel"].shape[3:] for n in range(4)]
    assert kernels == [(1, 64), (64, 128), (128, 256), (256, 512)]


def test_any_sides_and_labels():
    network = voxgan.Generator((6, 9, 4, 2), 3, width=2)
    made, _ = network.init_with_output(jax.random.key(0), jnp.ones((3, 5)), jnp.array([0, 1, 2]))
    assert made.shape == (3, 6, 9, 4, 2) and not np.allclose(made[0], made[1])
    output, _ = voxgan.Discriminator(3, width=2, norm="batch").init_with_output(
        jax.random.key(0), made, jnp.array([0, 1, 2])
    )
    assert output.logits.shape == (3,)
    with pytest.raises(UserError, match="the network voxgan is for solids"):
        voxgan.Discriminator().init(jax.random.key(0), jnp.ones((2, 8, 8, 1)))
