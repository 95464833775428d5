"""The ResNets: the papers' sizes, attention and normalization by hand, and that labels and every part of z matter."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from gan_jax.errors import UserError
from gan_jax.networks import resnet
from gan_jax.networks.layers import batch_norms
from gan_jax.networks.resampling import upsample
from gan_jax.networks.resnet import (
    Attention,
    ConditionalBatchNorm,
    Discriminator,
    DiscriminatorBlock,
    Generator,
    GeneratorBlock,
    weights,
)
from gan_jax.networks.spectral import SpectralNorm

KEY = jax.random.key(0)
BIGGAN = {"width": 96, "grow": True, "attention": 64, "initial_weights": "orthogonal"}


def shapes(network, *args):
    return jax.eval_shape(network.init, KEY, *args)


def count(network, *args):
    return sum(x.size for x in jax.tree.leaves(shapes(network, *args)["params"]))


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def variables_of(network, *args):
    """Variables of which none is 0, in no time: to compile a network's `init` takes seconds."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(network.init, KEY, *args))
    variables = structure.unflatten([0.3 * normal(*x.shape, seed=i) for i, x in enumerate(leaves)])
    if "batch_stats" in variables:
        variables["batch_stats"] = jax.tree.map(jnp.abs, variables["batch_stats"])
    return variables


def layers_of(block):
    """A residual block's two convolutions and its shortcut, as functions."""
    params = block["params"]
    conv = lambda name: lambda x: nn.Conv(params[name]["bias"].size, (3, 3)).apply({"params": params[name]}, x)
    return conv("Conv_0"), conv("Conv_1"), lambda x: x @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"]


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1), (64, 64, 3), (128, 128, 3), (20, 30, 3), (3, 2, 1)])
def test_makes_and_scores_images_of_any_size(shape, norm):
    z, images = jnp.ones((2, 12)), jnp.ones((2, *shape))
    made, _ = jax.eval_shape(Generator(shape, width=8, grow=True, norm=norm).init_with_output, KEY, z)
    output, _ = jax.eval_shape(Discriminator(width=8, grow=True, norm=norm).init_with_output, KEY, images)
    assert made.shape == (2, *shape) and output.logits.shape == (2,)


def test_biggan_has_the_published_number_of_parameters():
    """At 128 pixels those that the authors' and Google's code (compare_gan) state, at 32 StudioGAN's 9.42 million."""
    label = jnp.arange(2)
    large = Generator((128, 128, 3), num_classes=1000, hierarchical=True, **BIGGAN)
    assert count(large, jnp.ones((2, 120)), label) == 70433988
    large = Discriminator(num_classes=1000, smallest=4, plain=1, **BIGGAN)
    assert count(large, jnp.ones((2, 128, 128, 3)), label) == 87982370
    small = Generator((32, 32, 3), num_classes=10, width=4 * 96, hierarchical=True, attention=16)
    assert count(small, jnp.ones((2, 80)), label) == pytest.approx(9.42e6, rel=1e-3)


@pytest.mark.parametrize(
    "network, image, maps",
    [
        (Discriminator(width=8), (32, 32, 3), [(16, 16, 8), (8, 8, 8), (8, 8, 8), (8, 8, 8)]),
        (
            Discriminator(width=8, grow=True, smallest=4, plain=1),
            (128, 128, 3),
            [(64, 64, 8), (32, 32, 16), (16, 16, 32), (8, 8, 64), (4, 4, 128), (4, 4, 128)],
        ),
        (Discriminator(width=8, smallest=7), (28, 28, 1), [(14, 14, 8), (7, 7, 8), (7, 7, 8), (7, 7, 8)]),
        (Discriminator(width=8, plain=0), (20, 31, 3), [(10, 16, 8)]),
    ],
)
def test_feature_maps_of_the_discriminator(network, image, maps):
    _, variables = jax.eval_shape(
        lambda x: network.init_with_output(KEY, x, capture_intermediates=True, mutable=True), jnp.ones((2, *image))
    )
    blocks = variables["intermediates"]
    assert [blocks[f"DiscriminatorBlock_{i}"]["__call__"][0].shape for i in range(len(maps))] == [
        (2, *each) for each in maps
    ]


@pytest.mark.parametrize("first, halve", [(True, True), (False, True), (False, False)])
def test_discriminator_block(first, halve):
    x = normal(2, 4, 6, 3)
    block = DiscriminatorBlock(
        features=5 if halve else 3, norm="none", initial_weights="normal", first=first, halve=halve
    )
    variables = variables_of(block, x, True)
    conv0, conv1, shortcut = layers_of(variables)
    y = conv1(nn.relu(conv0(x if first else nn.relu(x))))
    half = lambda x: nn.avg_pool(x, (2, 2), (2, 2))
    expected = half(shortcut(x)) + half(y) if halve else x + y
    np.testing.assert_allclose(block.apply(variables, x, True), expected, atol=1e-4)


def test_generator_block():
    x = normal(2, 4, 3, 3)
    block = GeneratorBlock(features=5, size=(7, 6), norm="none", initial_weights="normal")
    variables = variables_of(block, x, x[:, 0, 0, :0], True)
    conv0, conv1, shortcut = layers_of(variables)
    finer = lambda x: upsample(x, (7, 6))
    expected = shortcut(finer(x)) + conv1(nn.relu(conv0(finer(nn.relu(x)))))
    np.testing.assert_allclose(block.apply(variables, x, x[:, 0, 0, :0], True), expected, atol=1e-4)


def test_the_first_block_sees_the_image_and_the_last_pixels_are_pooled():
    images = normal(2, 8, 8, 1)
    total, mean = Discriminator(width=4, plain=0), Discriminator(width=4, plain=0, pool="mean")
    variables = variables_of(total, images)
    block = DiscriminatorBlock(features=4, norm="none", initial_weights="normal", first=True)
    pixels = nn.relu(block.apply({"params": variables["params"]["DiscriminatorBlock_0"]}, images, True))
    np.testing.assert_allclose(total.apply(variables, images).features, pixels.sum(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(mean.apply(variables, images).features, pixels.mean(axis=(1, 2)), rtol=1e-4)


@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_attention_against_numpy(size):
    x = normal(2, *size, 16)
    attention = Attention("orthogonal")
    variables = attention.init(KEY, x)
    np.testing.assert_array_equal(attention.apply(variables, x), x)
    variables["params"]["gain"] = jnp.asarray(0.7)
    w = {name: np.asarray(layer["kernel"]) for name, layer in variables["params"].items() if name != "gain"}
    assert {name: kernel.shape for name, kernel in w.items()} == {
        "query": (16, 2),
        "key": (16, 2),
        "value": (16, 8),
        "out": (8, 16),
    }
    expected = np.zeros(x.shape)
    for b, image in enumerate(np.asarray(x)):
        corners = [(i, j) for i in range(0, size[0], 2) for j in range(0, size[1], 2)]
        seen = [image[i : i + 2, j : j + 2].reshape(-1, 16) for i, j in corners]
        keys = np.stack([(window @ w["key"]).max(axis=0) for window in seen])
        values = np.stack([(window @ w["value"]).max(axis=0) for window in seen])
        for i, j in np.ndindex(size):
            score = np.exp(keys @ (image[i, j] @ w["query"]))
            expected[b, i, j] = image[i, j] + 0.7 * (score / score.sum()) @ values @ w["out"]
    np.testing.assert_allclose(attention.apply(variables, x), expected, atol=1e-5)


def test_conditional_batch_norm_is_centered_at_gain_1_and_bias_0():
    x, code = normal(4, 3, 3, 5), normal(4, 6, seed=1)
    norm = ConditionalBatchNorm("batch", "normal")
    variables = norm.init(KEY, x, code, train=True)
    plain = (x - x.mean(axis=(0, 1, 2))) / jnp.sqrt(x.var(axis=(0, 1, 2)) + 1e-5)
    y, _ = norm.apply(variables, x, 0 * code, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(y, plain, atol=1e-5)
    y, _ = norm.apply(variables, x, code, train=True, mutable=["batch_stats"])
    gain, bias = (code @ variables["params"][name]["kernel"] for name in ("gain", "bias"))
    assert 0.001 < jnp.abs(gain).max() < 0.5
    np.testing.assert_allclose(y, (1 + gain)[:, None, None] * plain + bias[:, None, None], atol=1e-5)
    params = ConditionalBatchNorm("batch", "glorot").init(KEY, x, code, train=True)["params"]
    assert all(jnp.all(kernel == 0) for kernel in jax.tree.leaves(params))
    kernel = ConditionalBatchNorm("batch", "orthogonal").init(KEY, x, code, train=True)["params"]["gain"]["kernel"]
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(5), atol=1e-5)


@pytest.mark.parametrize(
    "attributes",
    [
        {"conditioning": "batch_norm"},
        {"conditioning": "concat"},
        {"conditioning": "concat", "norm": "none"},
        {"hierarchical": True, "embedding_size": 5},
        {"hierarchical": True, "conditioning": "concat"},
    ],
)
def test_every_label_and_every_part_of_z_matter(attributes):
    classes = 4
    generator = Generator((8, 8, 1), num_classes=classes, width=4, **attributes)
    z, labels = jnp.tile(normal(1, 4), (classes, 1)), jnp.arange(classes)
    variables = variables_of(generator, z, labels)
    sample = jax.jit(lambda z: generator.apply(variables, z, labels, train=False))
    images = sample(z)
    for a in range(classes):
        for b in range(a):
            assert jnp.abs(images[a] - images[b]).max() > 1e-3
    for i in range(z.shape[1]):
        assert jnp.abs(sample(z.at[:, i].add(1.0)) - images).max() > 1e-3


@pytest.mark.parametrize("conditioning", ["projection", "auxiliary", "concat"])
def test_every_label_matters_to_the_discriminator(conditioning):
    classes = 3
    network = Discriminator(num_classes=classes, conditioning=conditioning, num_codes=2, minibatch="stddev", width=4)
    images, labels = jnp.tile(normal(1, 8, 8, 1), (classes, 1, 1, 1)), jnp.arange(classes)
    output = network.apply(variables_of(network, images, labels), images, labels)
    assert output.codes.shape == (classes, 2)
    if conditioning == "auxiliary":
        assert output.classes.shape == (classes, classes)
    else:
        assert len(set(map(float, output.logits))) == classes


def test_one_chunk_of_z_is_of_one_block():
    generator = Generator((8, 8, 1), width=4, hierarchical=True)
    with pytest.raises(UserError, match=r"latent_size=5: .* of 1 blocks needs one that is divisible by 2"):
        shapes(generator, jnp.ones((2, 5)))
    kernels = {path: x.shape for path, x in flatten_dict(shapes(generator, jnp.ones((2, 6)))["params"]).items()}
    assert kernels["Dense_0", "kernel"] == (3, 4 * 4 * 4)
    assert kernels["GeneratorBlock_0", "ConditionalBatchNorm_0", "gain", "kernel"] == (3, 4)
    assert "shared" not in shapes(generator, jnp.ones((2, 6)))["params"]


def test_the_shared_embedding_is_not_spectrally_normalized():
    generator = SpectralNorm(Generator((8, 8, 1), num_classes=3, width=4, hierarchical=True, attention=8))
    variables = shapes(generator, jnp.ones((2, 6)), jnp.arange(2))
    assert variables["params"]["shared"].shape == (3, 128)
    matrices = [
        ".".join(path) for path, x in flatten_dict(variables["params"]).items() if x.ndim >= 2 and path != ("shared",)
    ]
    assert sorted(variables["spectral"]) == sorted(matrices)


def test_initial_weights():
    kernel = weights("orthogonal")(KEY, (3, 3, 4, 6)).reshape(36, 6)
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(6), atol=1e-5)
    assert weights("normal")(KEY, (100, 100)).std() == pytest.approx(0.02, rel=0.05)
    kernel = weights("glorot", gain=2**0.5)(KEY, (3, 3, 20, 30))
    assert jnp.abs(kernel).max() == pytest.approx((2 * 6 / (9 * 50)) ** 0.5, rel=0.01)


@pytest.mark.parametrize(
    "network, data",
    [
        (Generator((8, 8, 1), num_classes=3, width=4, hierarchical=True, attention=8), jnp.ones((2, 6))),
        (Discriminator(num_classes=3, width=4, plain=1, attention=4), jnp.ones((2, 8, 8, 1))),
    ],
)
def test_initial_weights_are_as_asked_for(network, data, monkeypatch):
    monkeypatch.setattr(resnet, "weights", lambda name, gain=1.0: nn.initializers.constant(gain * (name == "normal")))
    variables = jax.jit(network.clone(initial_weights="normal").init)(KEY, data, jnp.arange(2))
    for path, x in flatten_dict(variables["params"], sep=".").items():
        if x.ndim >= 2:
            assert jnp.all(x == (2**0.5 if "Block" in path and "Conv" in path else 1)), path


def test_evaluation_uses_the_running_statistics():
    generator = Generator((8, 8, 1), num_classes=3, width=4)
    z, labels = normal(4, 6), jnp.arange(4) % 3
    variables = variables_of(generator, z, labels)
    train = jax.jit(lambda z, labels: generator.apply(variables, z, labels, mutable=["batch_stats"]))
    evaluate = jax.jit(lambda z, labels: generator.apply(variables, z, labels, train=False))
    images, updates = train(z, labels)
    for before, after in zip(*map(jax.tree.leaves, (variables["batch_stats"], updates["batch_stats"])), strict=True):
        assert not np.allclose(before, after)
    np.testing.assert_allclose(evaluate(z, labels)[:2], evaluate(z[:2], labels[:2]), atol=1e-6)
    assert not np.allclose(images[:2], train(z[:2], labels[:2])[0], atol=1e-2)


def test_batch_norms():
    z, images = jnp.ones((2, 6)), jnp.ones((2, 8, 8, 1))
    assert len(batch_norms(Generator((8, 8, 1), num_classes=3, width=4), z, jnp.arange(2))) == 3
    assert len(batch_norms(Discriminator(width=4, norm="batch"), images)) == 4
    assert batch_norms(Discriminator(width=4), images) == []


def test_gradients_of_first_and_second_order_are_finite():
    generator, discriminator = Generator((8, 6, 1), width=4), Discriminator(width=4, attention=4, plain=1)
    z, images = normal(3, 6), normal(3, 8, 6, 1)
    g, d = variables_of(generator, z), variables_of(discriminator, images)

    def logit(g, d):
        return jnp.sum(discriminator.apply(d, generator.apply(g, z, mutable=["batch_stats"])[0]).logits)

    def penalty(d):
        gradient = jax.grad(lambda x: jnp.sum(discriminator.apply(d, x).logits))(images)
        return jnp.sum(gradient**2)

    first, second = jax.jit(lambda g, d: (jax.grad(logit)(g, d)["params"], jax.grad(penalty)(d)))(g, d)
    assert all(jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves((first, second)))
    assert all(jnp.any(x != 0) for path, x in flatten_dict(second).items() if path[-1] in ("kernel", "gain"))


@pytest.mark.parametrize(
    "network, message",
    [
        (Generator((8, 8, 1), attention=4), r"--config.networks.generator.attention=4 must be the height .* \(8\)"),
        (Discriminator(attention=7), r"--config.networks.discriminator.attention=7 must be the height .* \(4\)"),
        (Generator((8, 8, 1), conditioning="projection"), "conditioning='projection' must be batch_norm or concat"),
        (Generator((8, 8, 1), num_classes=2, norm="none"), "needs norm='batch' or 'device_batch'"),
        (Generator((8, 8, 1), hierarchical=True, norm="none"), "needs norm='batch' or 'device_batch'"),
        (Generator((8, 8, 1), norm="bacth"), "norm='bacth' must be"),
        (Generator((8, 8, 1), initial_weights="he"), "initial_weights='he' must be glorot, orthogonal or normal"),
        (Discriminator(pool="max"), "pool='max' must be sum or mean"),
        (Generator((2,)), "set its name to mlp"),
    ],
)
def test_bad_attributes_are_rejected(network, message):
    data = jnp.ones((2, 6)) if isinstance(network, Generator) else jnp.ones((2, 8, 8, 1))
    with pytest.raises(UserError, match=message):
        shapes(network, data, jnp.arange(2))
