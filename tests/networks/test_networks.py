"""Networks for any shape, and that they use their condition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.networks import dcgan, mlp
from gan_jax.networks.layers import batch_norms


def count(variables):
    return sum(x.size for x in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize(
    "shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3), (48, 80, 3), (37, 21, 3), (9, 8, 1), (3, 2, 1)]
)
def test_dcgan_makes_and_scores_images_of_any_size(shape, norm):
    generator, discriminator = dcgan.Generator(shape, width=4, norm=norm), dcgan.Discriminator(width=4, norm=norm)
    z, image = jnp.ones((2, 5)), jnp.ones((2, *shape))
    made, _ = jax.eval_shape(generator.init_with_output, jax.random.key(0), z)
    assert made.shape == (2, *shape)
    output, _ = jax.eval_shape(discriminator.init_with_output, jax.random.key(0), image)
    assert output.logits.shape == (2,)


def test_dcgan_28_has_the_textbook_number_of_parameters():
    generator, discriminator = dcgan.Generator((28, 28, 1)), dcgan.Discriminator()
    g = jax.eval_shape(generator.init, jax.random.key(0), jnp.ones((2, 100)))
    d = jax.eval_shape(discriminator.init, jax.random.key(0), jnp.ones((2, 28, 28, 1)))
    assert count(g) == 100 * 7 * 7 * 128 + 2 * 128 + 16 * 128 * 64 + 2 * 64 + 16 * 64 + 1
    assert count(d) == 16 * 64 + 64 + 16 * 64 * 128 + 2 * 128 + 7 * 7 * 128 + 1


@pytest.mark.parametrize("conditioning", ["projection", "concat"])
@pytest.mark.parametrize("module", [dcgan, mlp])
def test_every_label_matters(module, conditioning):
    shape, classes = (8, 8, 1), 4
    z, images, labels = jnp.ones((classes, 5)), jnp.ones((classes, *shape)), jnp.arange(classes)
    generator = module.Generator(shape, num_classes=classes, width=4)
    made, _ = generator.init_with_output(jax.random.key(0), z, labels)
    discriminator = module.Discriminator(num_classes=classes, conditioning=conditioning, width=4)
    logits = discriminator.init_with_output(jax.random.key(0), images, labels)[0].logits
    for a in range(classes):
        for b in range(a):
            assert not np.allclose(made[a], made[b], atol=1e-7)
            assert logits[a] != logits[b]


@pytest.mark.parametrize("module", [dcgan, mlp])
def test_an_auxiliary_classifier_leaves_the_logit_alone(module):
    """AC-GAN: the label is for the generator; and both heads, like InfoGAN's codes, are linear in the features."""
    images, labels = jax.random.normal(jax.random.key(1), (3, 8, 8, 1)), jnp.arange(3)
    discriminator = module.Discriminator(num_classes=3, conditioning="auxiliary", num_codes=5, width=4, norm="none")
    output, variables = discriminator.init_with_output(jax.random.key(0), images, labels)
    assert output.classes.shape == (3, 3) and output.codes.shape == (3, 5)
    np.testing.assert_array_equal(output.logits, discriminator.apply(variables, images, labels[::-1]).logits)
    head = variables["params"]["classes"]
    np.testing.assert_allclose(output.classes, output.features @ head["kernel"] + head["bias"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("minibatch", ["stddev", "discrimination"])
@pytest.mark.parametrize("module", [dcgan, mlp])
def test_a_minibatch_layer_lets_the_discriminator_see_repetition(module, minibatch):
    images = jax.random.normal(jax.random.key(1), (4, 8, 8, 1))
    discriminator = module.Discriminator(minibatch=minibatch, width=4, norm="none")
    variables = discriminator.init(jax.random.key(0), images)
    first = discriminator.apply(variables, images).logits[0]
    repeated = discriminator.apply(variables, jnp.broadcast_to(images[:1], images.shape)).logits[0]
    assert abs(first - repeated) > 1e-6


@pytest.mark.parametrize("attribute", ["conditioning", "minibatch"])
def test_unknown_attributes_of_a_discriminator_are_rejected(attribute):
    with pytest.raises(UserError, match=f"{attribute}='nothing' must be"):
        mlp.Discriminator(**{attribute: "nothing"}).init(jax.random.key(0), jnp.ones((2, 3)))


def test_mlp_bounds_images_but_not_points():
    z = 1e3 * jnp.ones((2, 3))
    image, _ = mlp.Generator((4, 4, 1), width=8).init_with_output(jax.random.key(0), z)
    point, _ = mlp.Generator((2,), width=8).init_with_output(jax.random.key(0), z)
    assert image.shape == (2, 4, 4, 1) and jnp.abs(image).max() <= 1
    assert point.shape == (2, 2) and jnp.abs(point).max() > 1


def test_batch_norms_finds_every_layer():
    image = jnp.ones((2, 28, 28, 1))
    assert batch_norms(dcgan.Discriminator(width=4), image) == ["BatchNorm_0"]
    assert batch_norms(dcgan.Discriminator(width=4, norm="none"), image) == []


@pytest.mark.parametrize("module", [dcgan, mlp])
def test_unknown_normalization_is_rejected(module):
    with pytest.raises(UserError, match="norm='bacth' must be one of batch, device_batch"):
        module.Generator((8, 8, 1), norm="bacth").init(jax.random.key(0), jnp.ones((2, 3)))


def test_points_need_another_network():
    with pytest.raises(UserError, match="set its name to mlp"):
        dcgan.Generator((2,)).init(jax.random.key(0), jnp.ones((2, 3)))
