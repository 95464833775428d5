"""Normalization by the batch, on any number of devices, and by each example."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.networks import applied, dcgan, improved, mlp, resnet, srresnet
from gan_jax.networks.layers import batch_norms
from gan_jax.networks.normalization import InstanceNorm, batch_axis, normalize


class Normalize(nn.Module):
    norm: str

    @nn.compact
    def __call__(self, x, train=True):
        return normalize(x, self.norm, train)


def images(*shape):
    return np.random.default_rng(0).normal(2, 3, size=shape).astype(np.float32)


@pytest.mark.parametrize("train", [True, False])
def test_instance_normalization_against_numpy(train):
    x = images(3, 4, 5, 2)
    y, variables = Normalize("instance").init_with_output(jax.random.key(0), x, train)
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 1e-5), atol=1e-5)
    assert not variables


def test_instance_normalization_is_that_of_flax_in_either_type():
    x = images(3, 4, 5, 2)
    ours, flaxs = InstanceNorm(nn.initializers.ones), nn.InstanceNorm(epsilon=1e-5)
    params = {"params": {"scale": jnp.array([0.5, -2.0]), "bias": jnp.array([1.0, 3.0])}}
    for dtype, tolerance in (("float32", 1e-5), ("bfloat16", 0.04)):
        y = ours.apply(params, x.astype(dtype))
        assert y.dtype == dtype
        np.testing.assert_allclose(y.astype("float32"), flaxs.apply(params, x), atol=tolerance)


def test_affine_instance_normalization_is_batch_normalization_of_a_batch_of_one():
    x = images(3, 4, 5, 2)
    params = {"scale": jnp.array([0.5, -2.0]), "bias": jnp.array([1.0, 3.0])}
    y = Normalize("affine_instance").apply({"params": {"InstanceNorm_0": params}}, x, train=False)
    for i in range(3):
        expected, _ = nn.BatchNorm(use_running_average=False).apply(
            {"params": params}, x[i : i + 1], mutable=["batch_stats"]
        )
        np.testing.assert_allclose(y[i : i + 1], expected, atol=1e-5)


@pytest.mark.parametrize("norm", ["batch", "affine_instance"])
def test_scales_start_near_1(norm):
    variables = Normalize(norm).init(jax.random.key(0), jnp.ones((1, 2, 2, 4000)))
    (params,) = variables["params"].values()
    np.testing.assert_allclose([params["scale"].mean(), params["scale"].std()], [1, 0.02], atol=2e-3)
    assert not params["bias"].any() and ("batch_stats" in variables) == (norm == "batch")


@pytest.mark.parametrize("shape", [(2, 1, 1, 3), (2, 3)])
@pytest.mark.parametrize("norm", ["instance", "affine_instance"])
def test_a_single_pixel_is_not_normalized_to_nothing(norm, shape):
    with pytest.raises(UserError, match="more than one pixel"):
        Normalize(norm).init(jax.random.key(0), jnp.ones(shape))


def test_an_unknown_norm_is_an_error():
    with pytest.raises(UserError, match="norm='bacth' must be one of batch, device_batch, instance, affine_instance"):
        Normalize("bacth").init(jax.random.key(0), jnp.ones((2, 3)))


DEVICES, SHAPE = 2, (8, 8, 1)
LABEL, Z, X = jnp.array([0, 2, 1, 2]), jnp.asarray(images(4, 6)), jnp.asarray(images(4, *SHAPE)) / 3
NETWORKS = {
    "dcgan D": (dcgan.Discriminator(3, width=4), (jnp.tile(X, (1, 2, 2, 1)), LABEL)),
    "dcgan G": (dcgan.Generator(SHAPE, 3, width=4), (Z, LABEL)),
    "mlp G": (mlp.Generator((2,), 3, width=8, norm="batch"), (Z, LABEL)),
    "resnet G": (resnet.Generator(SHAPE, 3, width=4), (Z, LABEL)),
    "biggan G": (resnet.Generator(SHAPE, 3, width=4, hierarchical=True), (Z, LABEL)),
    "resnet D": (resnet.Discriminator(width=4, plain=1, norm="batch"), (X,)),
    "improved G": (improved.Generator((2,), width=8), (Z,)),
    "srresnet": (srresnet.Translator(SHAPE, factor=1, width=4, blocks=1), (X,)),
}


def variables_of(network, *args):
    """Variables of which none is 0, in no time: to compile a network's `init` takes seconds."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(network.init, jax.random.key(0), *args))
    rng = np.random.default_rng(0)
    variables = structure.unflatten([jnp.asarray(0.3 * rng.standard_normal(x.shape, np.float32)) for x in leaves])
    return {**variables, "batch_stats": jax.tree.map(jnp.abs, variables["batch_stats"])}


def on_devices(step, *args):
    """The step under pmap, each device with its part of the batch; results as one batch, means of one device."""
    split = jax.tree.map(lambda leaf: leaf.reshape(DEVICES, -1, *leaf.shape[1:]), args)
    mapped = jax.pmap(step, axis_name="batch", devices=jax.devices()[:DEVICES])
    of_examples, means = mapped(*split)
    return (
        jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), of_examples),
        jax.tree.map(lambda leaf: leaf[0], means),
    )


def step_of(network, variables):
    """What a turn does: results, gradients of the inputs, running statistics, gradients of the parameters."""

    def step(data, *condition):
        def loss(params, data):
            result, moved = applied(network, {**variables, "params": params}, data, *condition)
            per_example = [jnp.sin(x).reshape(len(x), -1).mean(axis=1) for x in jax.tree.leaves(result)]
            return jnp.mean(sum(per_example)), (result, moved["batch_stats"])

        (_, (result, moved)), gradients = jax.value_and_grad(loss, (0, 1), has_aux=True)(variables["params"], data)
        devices = jax.lax.axis_size("batch") if batch_axis() else 1
        mean = (lambda tree: jax.lax.pmean(tree, "batch")) if batch_axis() else (lambda tree: tree)
        return (result, gradients[1] / devices), (mean(moved), mean(gradients[0]))

    return step


@pytest.mark.parametrize("name", NETWORKS)
def test_the_statistics_are_of_the_whole_batch_on_several_devices(name):
    network, args = NETWORKS[name]
    step = step_of(network, variables_of(network, *args))
    assert batch_norms(network, *args)
    results = on_devices(step, *args), jax.jit(step)(*args)
    assert all(jnp.max(jnp.abs(leaf)) > 1e-3 for leaf in jax.tree.leaves(results[1][1][0]))
    assert any(jnp.max(jnp.abs(leaf)) > 1e-2 for leaf in jax.tree.leaves(results[1][1][1]))
    for split, whole in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(split, whole, rtol=1e-3, atol=1e-4 * float(jnp.max(jnp.abs(whole))) + 1e-5)


@pytest.mark.parametrize("name", ["dcgan D", "resnet G"])
def test_statistics_of_each_device_are_an_option(name):
    """The same variables; and results of a device are those of its part of the batch alone."""
    network, args = NETWORKS[name]
    own = network.clone(norm="device_batch")
    variables = variables_of(network, *args)
    assert jax.tree.structure(variables_of(own, *args)) == jax.tree.structure(variables)
    assert batch_norms(own, *args) == batch_norms(network, *args)
    step = step_of(own, variables)
    (result, _), _ = on_devices(step, *args)
    for part in (slice(0, 2), slice(2, 4)):
        (alone, _), _ = jax.jit(step)(*(x[part] for x in args))
        for ours, theirs in zip(*map(jax.tree.leaves, (result, alone)), strict=True):
            np.testing.assert_allclose(ours[part], theirs, rtol=1e-3, atol=1e-4)
    (whole, _), _ = jax.jit(step)(*args)
    assert not np.allclose(jax.tree.leaves(whole)[0], jax.tree.leaves(result)[0], rtol=1e-3)


def test_a_gradient_penalty_sees_the_whole_batch_on_several_devices():
    """Its gradient, of second order: examples of one device change the logits of another's."""
    network, (images, label) = NETWORKS["dcgan D"]
    variables = variables_of(network, images, label)

    def step(images, label):
        def penalty(params):
            own = {**variables, "params": params}
            slopes = jax.grad(lambda x: jnp.sum(applied(network, own, x, label)[0].logits))(images)
            return jnp.mean(jnp.sum(slopes**2, axis=(1, 2, 3)))

        value, gradient = jax.value_and_grad(penalty)(variables["params"])
        return (), jax.lax.pmean((value, gradient), "batch") if batch_axis() else (value, gradient)

    split, whole = (jax.tree.leaves(f(step)(images, label)) for f in (lambda s: lambda *a: on_devices(s, *a), jax.jit))
    for ours, theirs in zip(split, whole, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(jnp.max(jnp.abs(theirs))) + 1e-7)


def test_the_axis_is_that_of_the_devices():
    found = []
    record = lambda x: found.append(batch_axis()) or x
    jax.jit(record)(jnp.ones(2))
    jax.vmap(record)(jnp.ones(2))
    jax.vmap(record, axis_name="other")(jnp.ones(2))
    jax.pmap(jax.jit(record), axis_name="batch", devices=jax.devices()[:2])(jnp.ones(2))
    assert found == [None, None, None, "batch"]


def test_a_jitted_function_is_traced_anew_under_the_axis():
    network, args = NETWORKS["mlp G"]
    variables = variables_of(network, *args)
    call = jax.jit(lambda *args: applied(network, variables, *args)[0])
    whole = call(*args)
    split, _ = on_devices(lambda *args: (call(*args), ()), *args)
    np.testing.assert_allclose(split, whole, rtol=1e-4, atol=1e-5)
