"""PatchGAN: the papers' sizes, and that a logit sees its patch and nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.networks.patch import Discriminator

KEY = jax.random.key(0)


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def variables_of(network, *args):
    """Variables of which none is 0, in no time: to compile a network's `init` takes seconds."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(network.init, KEY, *args))
    return structure.unflatten([0.3 * normal(*x.shape, seed=i) for i, x in enumerate(leaves)])


@pytest.mark.parametrize("channels, norm, expected", [(6, "affine_instance", 2_768_705), (3, "instance", 2_764_737)])
def test_it_has_the_parameters_of_the_authors_network(channels, norm, expected):
    variables = jax.eval_shape(Discriminator(norm=norm).init, KEY, jnp.zeros((1, 64, 64, channels)))
    assert sum(x.size for x in jax.tree.leaves(variables["params"])) == expected


@pytest.mark.parametrize("norm", ["affine_instance", "instance", "batch", "none"])
@pytest.mark.parametrize("size, layers, patches", [((64, 48), 3, (8, 6)), ((29, 17), 3, (4, 3)), ((8, 9), 1, (4, 5))])
def test_one_logit_a_patch(size, layers, patches, norm):
    """With the authors' padding, two fewer in each direction."""
    for padding, less in (("same", 0), ("torch", 1)):
        network = Discriminator(width=2, layers=layers, norm=norm, padding=padding)
        output, _ = jax.eval_shape(network.init_with_output, KEY, jnp.zeros((2, *size, 3)))
        assert output.logits.shape == (2, patches[0] - 2 * less, patches[1] - 2 * less)
        assert output.features.shape == (2, patches[0] - less, patches[1] - less, 2 ** (layers + 1))
    assert output.classes is None and output.codes is None


@pytest.mark.parametrize("layers, side, place", [(1, 16, 20), (2, 34, 10), (3, 70, 5)])
def test_a_logit_sees_its_patch(layers, side, place):
    images = normal(1, 96, 96, 1)
    network = Discriminator(width=2, layers=layers, norm="none")
    variables = variables_of(network, images)
    seen = jax.jit(jax.grad(lambda x: network.apply(variables, x).logits[0, place, place]))(images)[0, :, :, 0] != 0
    rows, columns = (np.flatnonzero(np.asarray(seen).any(axis)) for axis in (1, 0))
    assert len(rows) == len(columns) == side and seen.sum() == side**2
    assert np.ptp(rows) == np.ptp(columns) == side - 1
    middle = 2**layers * (place + 0.5) - 0.5  # of the block of pixels that is the logit's own
    assert abs(rows.mean() - middle) <= 2**layers


def test_one_example_does_not_depend_on_the_others():
    images = normal(3, 16, 24, 3)
    network = Discriminator(width=2, layers=2)
    variables = variables_of(network, images)
    whole, part = network.apply(variables, images), network.apply(variables, images[1:2], train=False)
    np.testing.assert_allclose(part.logits, whole.logits[1:2], atol=1e-5)
    np.testing.assert_allclose(part.features, whole.features[1:2], atol=1e-5)
    assert jnp.ptp(whole.logits) > 0.1


@pytest.mark.parametrize(
    "shape, options, message",
    [
        ((16, 16, 3), {"num_classes": 10}, "without labels"),
        ((16, 16, 3), {"layers": 0}, "layers >= 1"),
        ((2,), {}, "needs images"),
        ((8, 8, 3), {"padding": "same"}, "more than one pixel"),
        ((16, 16, 3), {}, "3 layers needs images of 17 pixels or more, not 16x16: set .*layers to less"),
    ],
)
def test_mistakes_are_named(shape, options, message):
    with pytest.raises(UserError, match=message):
        jax.eval_shape(Discriminator(width=2, **options).init, KEY, jnp.zeros((2, *shape)))
