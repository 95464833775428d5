"""R3GAN: the paper's size, its filters and groups by hand, and that it starts as it should and is differentiable."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drawn import normal, variables_of
from flax.traverse_util import flatten_dict

from gan_jax.errors import UserError
from gan_jax.networks.bilinear import upsample
from gan_jax.networks.layers import batch_norms
from gan_jax.networks.r3gan import (
    Block,
    Discriminator,
    Generator,
    GroupedConv,
    _convolve,
    grouped_conv,
)

KEY = jax.random.key(0)
SMALL = {"width": 8, "cardinality": 4, "blocks": 1}


def count(network, *args):
    return sum(x.size for x in jax.tree.leaves(jax.eval_shape(network.init, KEY, *args)))


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1), (64, 64, 3), (37, 21, 3), (3, 2, 1)])
def test_makes_and_scores_images_of_any_size(shape):
    generator, discriminator, images = Generator(shape, **SMALL), Discriminator(**SMALL), jnp.ones((2, *shape))
    made, _ = jax.eval_shape(generator.init_with_output, KEY, jnp.ones((2, 5)))
    output, _ = jax.eval_shape(discriminator.init_with_output, KEY, images)
    assert made.shape == images.shape and output.logits.shape == (2,)
    assert batch_norms(generator, jnp.ones((2, 5))) == batch_norms(discriminator, images) == []


def test_cifar_10_has_the_parameters_of_the_authors_networks():
    label = jnp.arange(2)
    assert count(Generator((32, 32, 3), num_classes=10), jnp.ones((2, 64)), label) == 20_781_952
    assert count(Discriminator(num_classes=10), jnp.ones((2, 32, 32, 3)), label) == 21_280_512


@pytest.mark.parametrize("groups", [3, 12])
def test_grouped_convolution_and_its_gradients(groups):
    """A few groups and many, as this platform has them and as others do, against a convolution of each group."""
    x, kernel, weight = normal(2, 5, 4, 2 * groups), normal(3, 3, 2, 3 * groups), normal(2, 5, 4, 3 * groups, seed=1)

    def each_alone(x, kernel):
        pairs = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups, axis=-1), strict=True)
        return jnp.concatenate([_convolve(*pair, groups=1) for pair in pairs], axis=-1)

    def with_gradients(f):
        value = lambda x, kernel: jnp.sum(weight * jnp.tanh(f(x, kernel)))
        penalty = lambda x, kernel: jnp.sum(jax.grad(value)(x, kernel) ** 2)
        return jax.jit(lambda *args: (f(*args), jax.grad(value, (0, 1))(*args), jax.grad(penalty, (0, 1))(*args)))

    expected = with_gradients(each_alone)(x, kernel)
    for ours in (grouped_conv, _convolve):
        results = with_gradients(partial(ours, groups=groups))(x, kernel)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=2e-3), results, expected)


def test_a_group_sees_its_own_channels_only():
    x = normal(1, 4, 4, 4)
    conv = GroupedConv(8, groups=2, kernel_init=nn.initializers.normal(1.0))
    y, variables = conv.init_with_output(KEY, x)
    assert variables["params"]["kernel"].shape == (3, 3, 2, 8)
    changed = conv.apply(variables, x.at[..., 2:].add(1.0)) != y
    assert not changed[..., :4].any() and changed[..., 4:].all()


def test_a_block_is_the_identity_at_first():
    block = Block(expansion=2, cardinality=16, depth=16)
    x = normal(2, 4, 4, 64)
    y, variables = jax.jit(block.init_with_output)(KEY, x)
    np.testing.assert_array_equal(y, x)
    for layer, fan_in in (("Dense_0", 64), ("GroupedConv_0", 9 * 8)):
        kernel = variables["params"][layer]["kernel"]
        assert kernel.std() == pytest.approx((2 / 1.04 / fan_in) ** 0.5 * 16**-0.25, rel=0.05)
    assert not jnp.allclose(block.apply(variables_of(block, x), x), x)


def test_initial_weights_know_the_depth_and_the_coarsest_size():
    depths = []

    def record(next_method, args, kwargs, context):
        depths.extend([context.module.depth] if isinstance(context.module, Block) else [])
        return next_method(*args, **kwargs)

    with nn.intercept_methods(record):
        count(Generator((16, 16, 1), **{**SMALL, "blocks": 3}), jnp.ones((2, 3)))
        count(Discriminator(**{**SMALL, "blocks": 2}), jnp.ones((2, 16, 16, 1)))
    assert depths == 9 * [3 * 3] + 6 * [2 * 3]
    variables = jax.jit(Discriminator(width=64, blocks=0).init)(KEY, jnp.ones((2, 6, 8, 1)))
    assert variables["params"]["basis"].shape == (3, 4, 64)
    assert variables["params"]["basis"].std() == pytest.approx(12**-0.5, rel=0.1)


def test_images_are_linear_in_the_basis_and_have_no_bounds():
    generator = Generator((8, 8, 1), **{**SMALL, "blocks": 0})
    z = 100 * normal(2, 3)
    variables = variables_of(generator, z)
    params = variables["params"]
    coarse = (z @ params["Dense_0"]["kernel"])[:, None, None] * params["basis"]
    expected = upsample(coarse, (8, 8)) @ params["Dense_1"]["kernel"]
    np.testing.assert_allclose(generator.apply(variables, z), expected, rtol=1e-4, atol=1e-4)


def test_every_label_matters():
    shape, classes = (8, 8, 1), 4
    z, images, labels = jnp.ones((classes, 3)), jnp.ones((classes, *shape)), jnp.arange(classes)
    generator = Generator(shape, num_classes=classes, **SMALL)
    made = jax.jit(generator.apply)(variables_of(generator, z, labels), z, labels)
    for a in range(classes):
        for b in range(a):
            assert jnp.abs(made[a] - made[b]).max() > 1e-3
    for conditioning in ("projection", "concat", "auxiliary"):
        network = Discriminator(
            num_classes=classes, conditioning=conditioning, num_codes=2, minibatch="stddev", **SMALL
        )
        output = jax.jit(network.apply)(variables_of(network, images, labels), images, labels)
        assert output.codes.shape == (classes, 2)
        if conditioning == "auxiliary":
            assert output.classes.shape == (classes, classes)
        else:
            assert len(set(map(float, output.logits))) == classes


def test_gradients_of_first_and_second_order_are_finite():
    generator, discriminator = Generator((8, 6, 1), **SMALL), Discriminator(**SMALL)
    z, images = normal(3, 4), normal(3, 8, 6, 1)
    g, d = variables_of(generator, z), variables_of(discriminator, images)

    def logit(g, d):
        return jnp.sum(discriminator.apply(d, generator.apply(g, z)).logits)

    def penalty(d):
        gradient = jax.grad(lambda x: jnp.sum(discriminator.apply(d, x).logits))(images)
        return jnp.sum(gradient**2)

    gradients = jax.jit(lambda g, d: (jax.grad(logit)(g, d), jax.grad(penalty)(d)))
    first, second = gradients(g, d)
    assert all(jnp.any(x != 0) for x in jax.tree.leaves(first))
    assert all(jnp.any(x != 0) for path, x in flatten_dict(second).items() if path[-1] in ("kernel", "basis"))
    for block in (v for variables in (g, d) for k, v in variables["params"].items() if k.startswith("Block")):
        block["Dense_1"]["kernel"] *= 0  # as at first
    for x in jax.tree.leaves((first, second, gradients(g, d))):
        assert jnp.all(jnp.isfinite(x))


def test_groups_must_divide_the_channels():
    with pytest.raises(UserError, match=r"expansion \(16\) must be divisible by its cardinality \(3\)"):
        count(Generator((8, 8, 1), width=8, cardinality=3), jnp.ones((2, 3)))
