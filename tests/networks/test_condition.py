"""Soft conditions: weights over the classes go in wherever a label does, in every network that is conditioned."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import dcgan, mlp, r3gan, resnet
from gan_jax.networks.computing import Computed
from gan_jax.networks.condition import Embed, rows, with_label
from gan_jax.networks.spectral import SpectralNorm

KEY, CLASSES = jax.random.key(0), 3
SHAPE, LABEL = (8, 8, 1), jnp.array([2, 0, 1])
SMALL = {"width": 8, "blocks": 1, "cardinality": 4}
HIERARCHICAL = {"width": 4, "hierarchical": True, "embedding_size": 5}
GENERATORS = {
    "mlp": mlp.Generator(SHAPE, CLASSES, width=8),
    "dcgan": dcgan.Generator(SHAPE, CLASSES, width=4),
    "r3gan": r3gan.Generator(SHAPE, CLASSES, **SMALL),
    "resnet": resnet.Generator(SHAPE, CLASSES, width=4),
    "resnet concat": resnet.Generator(SHAPE, CLASSES, width=4, conditioning="concat"),
    "biggan": resnet.Generator(SHAPE, CLASSES, **HIERARCHICAL),
    "biggan concat": resnet.Generator(SHAPE, CLASSES, conditioning="concat", **HIERARCHICAL),
    "biggan spectral": SpectralNorm(resnet.Generator(SHAPE, CLASSES, **HIERARCHICAL)),
}
DISCRIMINATORS = {
    f"{name} {conditioning}": module.Discriminator(CLASSES, conditioning, **options)
    for conditioning in ("projection", "concat", "auxiliary")
    for name, module, options in (
        ("mlp", mlp, {"width": 8}),
        ("dcgan", dcgan, {"width": 4}),
        ("r3gan", r3gan, SMALL),
        ("resnet", resnet, {"width": 4}),
    )
}
NETWORKS = {f"{name} G": n for name, n in GENERATORS.items()} | {f"{name} D": n for name, n in DISCRIMINATORS.items()}


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def variables_of(network, *args):
    """Variables of which none is 0, in no time: to compile a network's `init` takes seconds."""
    variables = jax.eval_shape(network.init, KEY, *args)
    leaves, structure = jax.tree.flatten(variables)
    variables = structure.unflatten([0.3 * normal(*x.shape, seed=i) for i, x in enumerate(leaves)])
    if "batch_stats" in variables:
        variables["batch_stats"] = jax.tree.map(jnp.abs, variables["batch_stats"])
    return variables


def applied_to(name):
    """condition -> what the network makes of the same three latents, or images, of which all are equal."""
    network, data = NETWORKS[name], normal(1, *((12,) if name.endswith("G") else SHAPE))
    data = jnp.tile(data, (len(LABEL), *[1] * (data.ndim - 1)))
    variables = variables_of(network, data, LABEL)

    def apply(condition):
        result = network.apply(variables, data, condition, train=False)
        return result if name.endswith("G") else result.logits

    return jax.jit(apply)


@pytest.mark.parametrize("name", NETWORKS)
def test_one_hot_weights_are_the_label_and_a_mixture_is_between(name):
    apply = applied_to(name)
    of_labels = apply(LABEL)
    np.testing.assert_allclose(apply(jax.nn.one_hot(LABEL, CLASSES)), of_labels, rtol=1e-5, atol=1e-6)
    if "auxiliary" in name:
        return
    of_2, of_0, _ = of_labels
    half, almost_0, almost_2 = apply(jnp.array([[0.5, 0.0, 0.5], [0.99, 0.0, 0.01], [0.01, 0.0, 0.99]]))
    distance = lambda a, b: float(jnp.linalg.norm(jnp.ravel(a - b)))
    whole = distance(of_0, of_2)
    assert whole > 1e-3
    assert 0 < distance(almost_0, of_0) < 0.2 * whole and 0 < distance(almost_2, of_2) < 0.2 * whole
    if name.endswith("G"):
        assert 0 < distance(half, of_0) < whole and 0 < distance(half, of_2) < whole
    if "projection" in name:
        np.testing.assert_allclose(half, 0.5 * of_0 + 0.5 * of_2, rtol=1e-4)


def test_a_row_is_what_it_was():
    """Of a label, bit for bit; of weights, the mean, and a gradient goes to the weights."""
    table, weights = normal(CLASSES, 4), jax.nn.softmax(normal(5, CLASSES, seed=1))
    np.testing.assert_array_equal(rows(table, LABEL), table[LABEL])
    np.testing.assert_array_equal(rows(table, jax.nn.one_hot(LABEL, CLASSES)), table[LABEL])
    np.testing.assert_allclose(rows(table, weights), np.asarray(weights) @ np.asarray(table), rtol=1e-5)
    slope = jax.grad(lambda w: jnp.sum(rows(table, w)))(weights)
    np.testing.assert_allclose(slope, jnp.tile(table.sum(axis=1), (5, 1)), rtol=1e-5)
    assert rows(table.astype("bfloat16"), weights).dtype == jnp.bfloat16


@pytest.mark.parametrize("condition", [LABEL, jax.nn.softmax(normal(3, CLASSES))])
def test_an_embedding_has_the_variables_of_flax(condition):
    made, variables = Embed(CLASSES, 4).init_with_output(KEY, condition)
    np.testing.assert_allclose(made, rows(variables["params"]["embedding"], condition), rtol=1e-6)
    discriminator = mlp.Discriminator(CLASSES, width=8)
    params = jax.eval_shape(discriminator.init, KEY, normal(3, 2), condition)["params"]
    assert params["Embed_0"]["embedding"].shape == (CLASSES, 8)


def test_weights_are_further_features_or_channels():
    weights = jax.nn.softmax(normal(2, CLASSES))
    np.testing.assert_array_equal(with_label(normal(2, 4), weights, CLASSES)[:, 4:], weights)
    stacked = with_label(normal(2, 5, 6, 1), weights, CLASSES)
    np.testing.assert_array_equal(stacked[..., 1:], jnp.broadcast_to(weights[:, None, None], (2, 5, 6, CLASSES)))
    assert with_label(normal(2, 4), None, 0).shape == (2, 4)


def test_mixtures_in_bfloat16():
    network = Computed(resnet.Generator(SHAPE, CLASSES, **HIERARCHICAL), "bfloat16", True)
    z, weights = normal(3, 12), jax.nn.softmax(normal(3, CLASSES, seed=1))
    variables = variables_of(network, z, weights)
    apply = jax.jit(lambda *args, **given: network.apply(variables, *args, train=False, **given))
    for made in (apply(z, weights), apply(z, condition=weights)):
        assert made.dtype == jnp.float32 and jnp.all(jnp.isfinite(made))
