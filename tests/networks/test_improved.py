"""The networks of Improved GAN and the convolutional one: sizes, noise, weight normalization."""

import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.networks import convnet, improved
from gan_jax.networks.improved import Discriminator, Generator, WeightNorm

KEY = jax.random.key(0)


@pytest.mark.parametrize("shape", [(28, 28, 1), (5, 7, 3), (2,)])
def test_they_fit_any_shape(shape):
    z, index = jax.random.uniform(KEY, (6, 4)), jnp.arange(6)
    made, variables = Generator(shape, width=8).init_with_output(KEY, z)
    assert made.shape == (6, *shape) and set(variables) == {"params", "batch_stats"}
    assert len(shape) == 1 or jnp.abs(made).max() <= 1
    output, variables = Discriminator(3, width=4).init_with_output(KEY, made, key=KEY, index=index)
    assert (output.logits.shape, output.features.shape, output.classes.shape) == ((6,), (6, 1), (6, 3))
    assert set(variables) == {"params"}


def test_they_have_the_widths_of_the_paper():
    discriminator, generator = Discriminator(10), Generator((28, 28, 1))
    shapes = jax.eval_shape(discriminator.init, KEY, jnp.zeros((2, 28, 28, 1)))["params"]
    widths = [784, 1000, 500, 250, 250, 250, 10]
    assert [layer["kernel"].shape for layer in shapes.values()] == list(itertools.pairwise(widths))
    shapes = jax.eval_shape(generator.init, KEY, jnp.zeros((2, 100)))["params"]
    kernels = [layer["kernel"].shape for layer in shapes.values() if "kernel" in layer]
    assert kernels == [(100, 500), (500, 500), (500, 784)]


class OfFlax(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.WeightNorm(nn.Dense(4))(x)


def test_weight_normalization_is_that_of_flax():
    x, network = jax.random.normal(KEY, (5, 3)), WeightNorm(4, learn_length=True)
    dense = {"kernel": jax.random.normal(KEY, (3, 4)), "bias": jnp.arange(4.0)}
    length = jnp.arange(1.0, 5)
    expected = OfFlax().apply({"params": {"Dense_0": dense, "WeightNorm_0": {"Dense_0/kernel/scale": length}}}, x)
    np.testing.assert_allclose(network.apply({"params": {**dense, "length": length}}, x), expected, rtol=1e-5)
    longer = {**dense, "kernel": 7 * dense["kernel"]}
    of_length_1 = (WeightNorm(4).apply({"params": params}, x) for params in (dense, longer))
    np.testing.assert_allclose(*of_length_1, rtol=1e-5)


def test_noise_is_of_the_example_and_its_key():
    images = jax.random.normal(KEY, (8, 5))
    discriminator = Discriminator(3, width=16)
    variables = discriminator.init(KEY, images)
    apply = lambda key, rows: discriminator.apply(variables, images[rows], key=key, index=rows).classes
    rows = jnp.arange(8)
    whole = apply(KEY, rows)
    np.testing.assert_allclose(apply(KEY, rows[5:]), whole[5:], rtol=1e-5)
    assert not np.allclose(apply(jax.random.key(1), rows), whole)
    np.testing.assert_array_equal(*(discriminator.apply(variables, images).classes for _ in range(2)))
    quiet = Discriminator(3, width=16, input_noise=0.0, noise=0.0)
    np.testing.assert_allclose(
        quiet.apply(variables, images, key=KEY, index=rows).classes, quiet.apply(variables, images).classes, rtol=1e-6
    )


def test_the_logit_is_that_of_a_softmax_with_one_more_class():
    """Salimans et al. 2016, section 5: the class "generated" has the logit 0, so that D(x) = Z / (Z + 1)."""
    images = 3 * jax.random.normal(KEY, (8, 5))
    output, _ = Discriminator(3, width=16).init_with_output(KEY, images)
    softmax = jax.nn.softmax(jnp.concatenate([output.classes, jnp.zeros((8, 1))], axis=-1))
    np.testing.assert_allclose(jax.nn.sigmoid(output.logits), 1 - softmax[:, -1], rtol=1e-5)
    given_real = softmax[:, :-1] / jax.nn.sigmoid(output.logits)[:, None]
    np.testing.assert_allclose(jax.nn.softmax(output.classes), given_real, rtol=1e-5)


@pytest.mark.parametrize("shape, left", [((28, 28, 1), 16), ((32, 48, 3), 24), ((5, 7, 2), 1)])
def test_a_convolutional_classifier(shape, left):
    """Its noise as above, its logit too; `left` places remain of those of the image."""
    images, index = jax.random.normal(KEY, (6, *shape)), jnp.arange(6)
    network = convnet.Discriminator(3, width=4, features=8)
    output, variables = network.init_with_output(KEY, images)
    assert (output.features.shape, output.classes.shape) == ((6, 8), (6, 3))
    assert variables["params"]["Dense_0"]["kernel"].shape == (left * 16, 8)
    np.testing.assert_allclose(output.logits, jax.nn.logsumexp(output.classes, axis=-1), rtol=1e-6)
    for noise in ({"input_noise": 0.0}, {"noise": 0.0}):
        noisy = convnet.Discriminator(3, width=4, features=8, **noise)
        apply = lambda key, rows, noisy=noisy: noisy.apply(variables, images[rows], key=key, index=rows).classes
        np.testing.assert_allclose(apply(KEY, index[4:]), apply(KEY, index)[4:], rtol=1e-4)
        assert not np.allclose(apply(KEY, index), output.classes)
        assert not np.allclose(apply(jax.random.key(1), index), apply(KEY, index))


@pytest.mark.parametrize("network, images", [(convnet, (4, 2)), (convnet, (4, 8, 8, 1)), (improved, (4, 2))])
def test_nothing_to_classify_is_rejected(network, images):
    classes = 0 if len(images) == 4 or network is improved else 3
    name = network.__name__.rpartition(".")[2]
    with pytest.raises(UserError, match=f"--config.networks.discriminator.name={name} .* labels"):
        jax.eval_shape(network.Discriminator(classes).init, KEY, jnp.zeros(images))
