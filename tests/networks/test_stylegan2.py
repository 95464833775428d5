"""StyleGAN2: any size, its noise, its mixing, its mean w, and what it is conditioned on.

That the networks are the authors' is shown in tests/parity/test_stylegan2.py.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drawn import normal
from drawn import variables_of as drawn

from gan_jax.networks.layers import batch_norms
from gan_jax.networks.stylegan2 import Discriminator, Generator

KEY = jax.random.key(0)
SMALL = {"width": 4, "max_width": 6}
GENERATOR = {**SMALL, "w_size": 5}
# Those of a mapping network are as large as its small learning rate has them.
variables_of = partial(drawn, scale=lambda path: 30 if "mapping" in path else 0.3)


@pytest.mark.parametrize("architecture", ["skip", "residual", "original"])
@pytest.mark.parametrize("shape", [(28, 28, 1), (24, 40, 3), (9, 21, 2)])
def test_makes_and_discriminates_images_of_any_size(shape, architecture):
    generator = Generator(shape, architecture=architecture, **GENERATOR)
    discriminator = Discriminator(architecture=architecture, **SMALL)
    made, variables = jax.eval_shape(generator.init_with_output, KEY, jnp.ones((2, 5)))
    assert made.shape == (2, *shape)
    output, _ = jax.eval_shape(discriminator.init_with_output, KEY, made)
    assert output.logits.shape == (2,)
    shortcuts = [name for name in variables["params"]["synthesis"] if name.endswith("_shortcut")]
    assert bool(shortcuts) == (architecture == "residual")
    assert batch_norms(generator, jnp.ones((2, 5))) == []


def test_noise_is_of_each_example_and_layer_and_scaled_by_a_learned_strength():
    generator, index = Generator((8, 8, 1), **GENERATOR), jnp.arange(3)
    w = jnp.broadcast_to(normal(1, 5), (3, 5))
    variables = variables_of(generator, w)
    decode = jax.jit(lambda variables, key, index: generator.apply(variables, w, key, index, method="synthesize"))
    quiet = generator.apply(variables, w, method="synthesize")
    noisy = decode(variables, KEY, index)
    assert not np.allclose(noisy[0], noisy[1]) and np.allclose(quiet[0], quiet[1])
    np.testing.assert_allclose(decode(variables, KEY, index[::-1])[2], noisy[0], rtol=1e-5, atol=1e-6)
    for name in variables["params"]["synthesis"]:
        if name.endswith(("_conv", "_up")):
            variables["params"]["synthesis"][name]["noise_strength"] = jnp.zeros(())
    np.testing.assert_allclose(decode(variables, KEY, index), quiet, rtol=1e-4, atol=1e-5)


def test_no_strength_at_first():
    generator, z = Generator((8, 8, 1), **GENERATOR), normal(2, 5)
    variables = jax.jit(generator.init)(KEY, z)
    noisy = generator.apply(variables, z, train=False, key=KEY, index=jnp.arange(2))
    np.testing.assert_allclose(noisy, generator.apply(variables, z, train=False), rtol=1e-5, atol=1e-6)


def test_styles_are_mixed_at_a_place_of_each_examples_own():
    generator, z, index = Generator((16, 16, 1), mixing=0.7, **GENERATOR), normal(400, 5), jnp.arange(400)
    variables = variables_of(generator, z)
    mixed = np.asarray(generator.apply(variables, z, train=True, key=KEY, index=index, method="styles"))
    own = np.asarray(generator.apply(variables, z, method="map"))
    assert mixed.shape == (400, generator.layers, 5) == (400, 6, 5)
    same = np.all(np.isclose(mixed, own[:, None], rtol=1e-4, atol=1e-6), axis=2)
    assert same[:, 0].all()  # the coarsest layer is always the example's own
    places = np.where(same.all(axis=1), 6, same.argmin(axis=1))
    assert all(same[i, :place].all() and not same[i, place:].any() for i, place in enumerate(places))
    counts = np.bincount(places, minlength=7)
    assert counts[6] / 400 == pytest.approx(0.3, abs=0.07)
    assert (counts[1:6] / 400 == pytest.approx(0.14, abs=0.06)) and counts[0] == 0
    other = mixed[~same.all(axis=1), -1]
    assert len(np.unique(other.round(4), axis=0)) == len(other)
    still = generator.apply(variables, z, train=False, key=KEY, index=index, method="styles")
    np.testing.assert_allclose(still, np.broadcast_to(own[:, None], mixed.shape), rtol=1e-4, atol=1e-6)


def test_the_mean_w_moves_in_training_where_it_may():
    generator, z = Generator((8, 8, 1), **GENERATOR), normal(64, 5)
    variables = variables_of(generator, z)
    w = generator.apply(variables, z, method="map")
    _, moved = generator.apply(variables, z, train=True, mutable=["w_average"], method="map")
    before = variables["w_average"]["mean"]
    expected = before + 0.005 * (jnp.mean(w, axis=0) - before)
    np.testing.assert_allclose(moved["w_average"]["mean"], expected, rtol=1e-5)
    _, still = generator.apply(variables, z, train=False, mutable=["w_average"], method="map")
    np.testing.assert_array_equal(still["w_average"]["mean"], before)


def test_the_mean_w_of_each_class_and_of_mixtures():
    """Each class's mean moves towards its own examples, in all as fast as the only mean of another generator."""
    generator, z, label = Generator((8, 8, 1), num_classes=3, **GENERATOR), normal(6, 5), jnp.array([0, 0, 0, 1, 1, 0])
    variables = variables_of(generator, z, label)
    w = generator.apply(variables, z, label, method="map")
    _, moved = generator.apply(variables, z, label, train=True, rate=0.1, mutable=["w_average"], method="map")
    before, after = variables["w_average"]["mean"], moved["w_average"]["mean"]
    expected = np.array(before)
    for i, y in enumerate(label):
        expected[y] += 0.1 * 3 / 6 * (w[i] - before[y])
    np.testing.assert_allclose(after, expected, rtol=1e-4, atol=1e-6)
    mean = lambda condition: generator.apply(variables, condition, method="mean")
    np.testing.assert_allclose(mean(jnp.array([2, 0])), before[jnp.array([2, 0])], rtol=1e-6)
    np.testing.assert_allclose(mean(jnp.array([[0.5, 0, 0.5]]))[0], (before[0] + before[2]) / 2, rtol=1e-5)


@pytest.mark.parametrize("conditioning", ["projection", "auxiliary", "concat"])
def test_every_label_matters(conditioning):
    shape, classes = (8, 8, 1), 4
    z, images, labels = jnp.ones((classes, 3)), jnp.ones((classes, *shape)), jnp.arange(classes)
    generator = Generator(shape, num_classes=classes, **GENERATOR)
    made = jax.jit(generator.apply)(variables_of(generator, z, labels), z, labels)
    assert all(jnp.abs(made[a] - made[b]).max() > 1e-3 for a in range(classes) for b in range(a))
    network = Discriminator(num_classes=classes, conditioning=conditioning, mapping_layers=2, **SMALL)
    output = jax.jit(network.apply)(variables_of(network, images, labels), images, labels)
    if conditioning == "auxiliary":
        assert output.classes.shape == (classes, classes)
    else:
        assert len(set(map(float, output.logits))) == classes


def test_weights_over_classes():
    generator, z = Generator((8, 8, 1), num_classes=3, **GENERATOR), normal(2, 5)
    variables = variables_of(generator, z, jnp.arange(2))
    make = jax.jit(lambda condition: generator.apply(variables, z, condition, train=False))
    np.testing.assert_allclose(make(jnp.eye(3)[:2]), make(jnp.arange(2)), rtol=1e-5, atol=1e-6)
    assert np.isfinite(make(jnp.full((2, 3), 1 / 3))).all()


def test_groups_of_examples_are_compared():
    images = normal(8, 8, 8, 1)
    logits = {}
    for group in (0, 4):
        network = Discriminator(group=group, **SMALL)
        variables = variables_of(network, images)
        logits[group] = network.apply(variables, images.at[1].add(3.0)).logits - network.apply(variables, images).logits
    assert np.all(logits[0] != 0)  # all see the example that was changed
    assert set(np.flatnonzero(logits[4])) == {1, 3, 5, 7}


def test_gradients_of_first_and_second_order_are_finite_and_reach_every_weight():
    generator, discriminator = Generator((8, 6, 1), **GENERATOR), Discriminator(**SMALL)
    z, images, index = normal(4, 5), normal(4, 8, 6, 1), jnp.arange(4)
    g, d = variables_of(generator, z), variables_of(discriminator, images)

    def logit(g, d):
        made = generator.apply({**g_rest, "params": g}, z, key=KEY, index=index)
        return jnp.sum(discriminator.apply({"params": d}, made).logits)

    def penalty(d):
        gradient = jax.grad(lambda x: jnp.sum(discriminator.apply({"params": d}, x).logits))(images)
        return jnp.sum(gradient**2)

    g_rest = {"w_average": g["w_average"]}
    first, second = jax.jit(lambda g, d: (jax.grad(logit)(g, d), jax.grad(penalty)(d)))(g["params"], d["params"])
    assert all(np.isfinite(x).all() and np.any(x != 0) for x in jax.tree.leaves(first))
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(second))
    assert all(np.any(own["kernel"] != 0) for own in second.values())
