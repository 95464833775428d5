"""ProGAN: what a stage computes is what the whole network has there, and its layers are the paper's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drawn import normal
from drawn import variables_of as drawn

from gan_jax.growing import faded
from gan_jax.networks.layers import batch_norms
from gan_jax.networks.progan import Discriminator, Generator
from gan_jax.networks.resampling import pool, upsample

KEY = jax.random.key(0)
SMALL = {"width": 4, "max_width": 6}
SHAPE = (16, 18, 2)  # 4x5, 8x9, 16x18


def variables_of(network, *args):
    return {"params": drawn(network, *args, scale=lambda path: 1)["params"]}


def grown(variables, level):
    return {**variables, "growth": {"level": jnp.float32(level)}}


def count(network, *args):
    return sum(x.size for x in jax.tree.leaves(jax.eval_shape(network.init, KEY, *args)["params"]))


def test_the_parameters_of_the_papers_networks():
    """For CIFAR-10: 128 channels everywhere, z of 128; counted from the layers of the authors' G_paper and D_paper."""
    conv = lambda i, o, k=3: k * k * i * o + o
    g = (128 * 16 * 128 + 128) + conv(128, 128) + 3 * 2 * conv(128, 128) + 4 * conv(128, 3, 1)
    d = 4 * conv(3, 128, 1) + 3 * 2 * conv(128, 128) + conv(129, 128) + (128 * 16 * 128 + 128) + 129
    generator, discriminator = Generator((32, 32, 3), max_width=128), Discriminator(max_width=128)
    assert count(generator, jnp.ones((2, 128))) == g
    assert count(discriminator, jnp.ones((2, 32, 32, 3))) == d


def test_a_stage_of_the_generator_is_the_whole_one_grown_so_far():
    generator, z = Generator(SHAPE, **SMALL), normal(3, 5)
    variables = variables_of(generator, z)
    whole = jax.jit(lambda level: generator.apply(grown(variables, level), z, train=False))
    of_stage = lambda level, fade: generator.apply(grown(variables, 0), z, level=level, fade=fade)
    full = {}
    for level, size in enumerate([(4, 5), (8, 9), (16, 18)]):
        full[level] = of_stage(level, 1.0)
        assert full[level].shape == (3, *size, 2)
        enlarged = full[level]
        for larger in [(8, 9), (16, 18)][level:]:
            enlarged = upsample(enlarged, larger)
        np.testing.assert_allclose(whole(level), enlarged, rtol=1e-4, atol=1e-4)
        if level:
            np.testing.assert_allclose(of_stage(level, 0.0), upsample(full[level - 1], size), rtol=1e-4, atol=1e-4)
            half = faded(upsample(full[level - 1], size), full[level], 0.5)
            np.testing.assert_allclose(of_stage(level, 0.5), half, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(whole(1.25), faded(upsample(full[1], SHAPE[:2]), full[2], 0.25), rtol=1e-4, atol=1e-4)


def test_a_stage_of_the_discriminator_is_the_whole_one_grown_so_far():
    network, images = Discriminator(shape=SHAPE, **SMALL), normal(4, *SHAPE)
    variables = variables_of(network, images)
    whole = jax.jit(lambda images, level: network.apply(grown(variables, level), images, train=False).logits)
    of_stage = lambda images, level, fade: network.apply(grown(variables, 0), images, level=level, fade=fade).logits
    seen = {2: images, 1: pool(images), 0: pool(pool(images))}
    for level in range(3):
        logits = of_stage(seen[level], level, 1.0)
        np.testing.assert_allclose(whole(images, level), logits, rtol=1e-3, atol=1e-3)
        if level:
            before = of_stage(seen[level - 1], level - 1, 1.0)
            np.testing.assert_allclose(of_stage(seen[level], level, 0.0), before, rtol=1e-3, atol=1e-3)


def test_it_is_there_as_a_whole_where_nothing_grows():
    generator, z = Generator((8, 8, 1), **SMALL), normal(2, 5)
    made, variables = jax.jit(generator.init_with_output)(KEY, z)
    assert made.shape == (2, 8, 8, 1) and float(variables["growth"]["level"]) == 1
    network = Discriminator(**SMALL)
    assert float(jax.jit(network.init)(KEY, made)["growth"]["level"]) == 1
    assert batch_norms(generator, z) == batch_norms(network, made) == []


@pytest.mark.parametrize("conditioning", ["projection", "auxiliary", "concat"])
def test_every_label_matters(conditioning):
    shape, classes = (8, 8, 1), 4
    z, images, labels = jnp.ones((classes, 3)), jnp.ones((classes, *shape)), jnp.arange(classes)
    generator = Generator(shape, num_classes=classes, **SMALL)
    made = jax.jit(generator.apply)(grown(variables_of(generator, z, labels), 1), z, labels)
    assert all(jnp.abs(made[a] - made[b]).max() > 1e-3 for a in range(classes) for b in range(a))
    network = Discriminator(num_classes=classes, conditioning=conditioning, **SMALL)
    output = jax.jit(network.apply)(grown(variables_of(network, images, labels), 1), images, labels)
    if conditioning == "auxiliary":
        assert output.classes.shape == (classes, classes)
    else:
        assert len(set(map(float, output.logits))) == classes
