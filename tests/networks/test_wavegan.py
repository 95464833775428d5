"""WaveGAN's layers, against those of 2-D networks, NumPy and the paper's table of shapes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.networks import cpu_convolution, layers, wavegan


@pytest.mark.parametrize(
    "length, expected",
    [
        (16384, [16, 64, 256, 1024, 4096, 16384]),
        (6144, [24, 96, 384, 1536, 6144]),
        (50, [13, 50]),
        (257, [17, 65, 257]),
    ],
)
def test_lengths(length, expected):
    assert wavegan.lengths(length) == expected


def test_the_networks_of_the_paper():
    """Appendix D, tables 3 and 4, for d = 64."""
    generator, discriminator = wavegan.Generator((16384, 1)), wavegan.Discriminator()
    shapes = jax.eval_shape(generator.init, jax.random.key(0), jnp.zeros((1, 100)))["params"]
    assert shapes["Dense_0"]["kernel"].shape == (100, 16 * 1024)
    kernels = [shapes[f"ConvTranspose_{n}"]["kernel"].shape for n in range(5)]
    assert kernels == [(25, 512, 1024), (25, 256, 512), (25, 128, 256), (25, 64, 128), (25, 1, 64)]
    shapes = jax.eval_shape(discriminator.init, jax.random.key(0), jnp.zeros((1, 16384, 1)))["params"]
    kernels = [shapes[f"Conv_{n}"]["kernel"].shape for n in range(5)]
    assert kernels == [(25, 1, 64), (25, 64, 128), (25, 128, 256), (25, 256, 512), (25, 512, 1024)]
    assert shapes["Dense_0"]["kernel"].shape == (16 * 1024, 1)


@pytest.mark.parametrize("kernel, length", [(25, 96), (25, 50), (9, 33)])
def test_a_convolution_over_time_is_numpys(kernel, length):
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(2, length, 3)).astype(np.float32), rng.normal(size=(kernel, 3, 4)).astype(np.float32)
    layer = wavegan.Conv(4, kernel)
    made = layer.apply({"params": {"kernel": weights, "bias": np.arange(4.0)}}, x)
    places = -(-length // 4)
    total = max((places - 1) * 4 + kernel - length, 0)
    padded = np.pad(x, ((0, 0), (total // 2, total - total // 2), (0, 0)))
    wanted = [np.einsum("bkc,kcd->bd", padded[:, 4 * n : 4 * n + kernel], weights) for n in range(places)]
    np.testing.assert_allclose(made, np.stack(wanted, axis=1) + np.arange(4.0), rtol=1e-4, atol=1e-4)
    # And the transpose is its adjoint: <conv(x), y> = <x, transpose(y)>
    y = rng.normal(size=made.shape).astype(np.float32)
    back = wavegan.ConvTranspose(3, length, kernel).apply({"params": {"kernel": weights, "bias": np.zeros(3)}}, y)
    np.testing.assert_allclose(np.sum((made - np.arange(4.0)) * y), np.sum(x * back), rtol=1e-3)


@pytest.mark.parametrize("kernel, length, stride", [(25, 96, 4), (25, 90, 4), (8, 30, 4), (9, 30, 2)])
def test_few_places_as_a_product(kernel, length, stride):
    """On a CPU; it is what XLA's own transpose gives."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(1, kernel, 3, 4)).astype(np.float32)
    x = rng.normal(size=(2, 1, -(-length // stride), 4)).astype(np.float32)
    like = jax.ShapeDtypeStruct((2, 1, length, 3), np.float32)
    pads = layers._pads(like, (1, kernel), stride, "same")
    (wanted,) = jax.linear_transpose(lambda y: layers._convolve(y, weights, stride, "same"), like)(x)
    made = cpu_convolution.transposed_over_time(x, weights, stride, length, pads)
    np.testing.assert_allclose(made, wanted, rtol=1e-4, atol=1e-4)
    many = np.zeros((cpu_convolution.ROWS + 1, *x.shape[1:]), np.float32)
    assert cpu_convolution.transposed_over_time(many, weights, stride, length, pads) is None


def test_examples_are_shifted_each_by_its_own_steps():
    x = np.arange(10.0).reshape(2, 5, 1)
    made = wavegan.shifted(jnp.asarray(x), jnp.array([1, -2]), 2)[..., 0]
    np.testing.assert_array_equal(made, [[1, 0, 1, 2, 3], [7, 8, 9, 8, 7]])  # mirrored at the ends
    with pytest.raises(UserError, match="phase shuffle of 5 needs more than 5 places"):
        wavegan.shifted(jnp.asarray(x), jnp.array([1, -2]), 5)


def test_phases_depend_on_the_place_alone():
    network = wavegan.Discriminator(width=2)
    x, key = jax.random.normal(jax.random.key(0), (4, 256, 1)), jax.random.key(1)
    variables = network.init(jax.random.key(2), x)
    still = network.apply(variables, x).logits
    np.testing.assert_array_equal(network.apply(variables, x, train=False).logits, still)
    moved = network.apply(variables, x, key=key, index=jnp.arange(4)).logits
    assert not np.allclose(moved, still)
    half = network.apply(variables, x[2:], key=key, index=jnp.array([2, 3])).logits
    np.testing.assert_allclose(half, moved[2:], rtol=1e-5)


@pytest.mark.parametrize("own", [{}, {"upsample": "nearest"}, {"post_filter": 9}, {"norm": "batch"}])
def test_any_length_and_kind(own):
    network = wavegan.Generator((150, 2), 3, width=2, **own)
    made, variables = network.init_with_output(jax.random.key(0), jnp.ones((2, 5)), jnp.array([0, 2]))
    assert made.shape == (2, 150, 2) and not np.allclose(made[0], made[1])
    assert ("post_filter" in variables["params"]) == ("post_filter" in own)


def test_other_data():
    with pytest.raises(UserError, match="the network wavegan is for sounds"):
        wavegan.Generator((8, 8, 1)).init(jax.random.key(0), jnp.ones((2, 5)))
    with pytest.raises(UserError, match="the network wavegan is for sounds"):
        wavegan.Discriminator().init(jax.random.key(0), jnp.ones((2, 5)))
