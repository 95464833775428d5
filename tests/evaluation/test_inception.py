"""Inception: its parameters, its download; and all that it sees beside torch-fidelity, where installed.

The network takes long to compile, so only that comparison runs it.
"""

import hashlib
import io
import math
import types
import urllib.error

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_resize import pictures

from gan_jax.errors import UserError
from gan_jax.evaluation import inception


def expected():
    return jax.eval_shape(inception.Inception().init, jax.random.key(0), jnp.zeros((1, 299, 299, 3)))["params"]


@pytest.fixture(scope="module")
def state():
    """A state dict of the published one's names and shapes, with numbers that keep activations at their size."""
    rng = np.random.default_rng(0)
    normal = lambda scale, *shape: np.float32(scale) * rng.standard_normal(shape, np.float32)
    arrays = {"fc.weight": normal(0.05, 1008, 2048), "fc.bias": normal(1, 1008)}
    for name, layer in expected().items():
        if name != "fc":
            *window, inputs, outputs = layer["kernel"].shape
            scale = math.sqrt(2 / (inputs * math.prod(window)))
            arrays[f"{name}.conv.weight"] = normal(scale, outputs, inputs, *window)
            for part in ("weight", "running_var"):
                arrays[f"{name}.bn.{part}"] = 0.5 + rng.random(outputs, np.float32)
            for part in ("bias", "running_mean"):
                arrays[f"{name}.bn.{part}"] = normal(0.1, outputs)
    return arrays


def test_shapes():
    params = {"params": expected()}
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 23_832_736
    for shape, dtype, resize in (((2, 28, 28, 1), jnp.uint8, "legacy"), ((2, 32, 48, 3), jnp.float32, "clean")):
        see = lambda params, images, resize=resize: inception.features(params, images, resize)
        pool, logits = jax.eval_shape(see, params, jax.ShapeDtypeStruct(shape, dtype))
        assert (pool.shape, logits.shape) == ((2, 2048), (2, 1008))


def use(monkeypatch, tmp_path, state):
    """A file that is read as this state dict."""
    (tmp_path / "state.pth").write_bytes(b"weights")
    monkeypatch.setattr(inception, "read_state_dict", lambda path: state)
    return tmp_path / "state.pth"


def test_normalizations_are_folded_into_convolutions(monkeypatch, tmp_path, state):
    params, sha256 = inception.load(use(monkeypatch, tmp_path, state))
    assert sha256 == hashlib.sha256(b"weights").hexdigest()
    x, name = np.random.default_rng(0).normal(size=(5, 64)), "Conv2d_3b_1x1"
    bias, mean, var, weight = (state[f"{name}.bn.{part}"] for part in ("bias", "running_mean", "running_var", "weight"))
    normalized = (x @ state[f"{name}.conv.weight"][:, :, 0, 0].T - mean) / np.sqrt(var + 1e-3) * weight + bias
    layer = params["params"][name]
    np.testing.assert_allclose(x @ layer["kernel"][0, 0] + layer["bias"], normalized, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Mixed_6b.branch7x7_2.conv.weight": None}, "'Mixed_6b.branch7x7_2.conv.weight' is missing"),
        ({"fc.weight": None}, "'fc.weight' is missing"),
        ({"fc.weight": np.zeros((1000, 2048))}, "another shape"),
        ({"Conv2d_3b_1x1.conv.weight": np.zeros((80, 64, 3, 3))}, "another shape"),
        ({"Conv2d_3b_1x1.conv.weight": np.zeros((80, 64))}, "axes"),
        ({"Mixed_7c.branch_pool.bn.weight": np.zeros(100)}, "broadcast"),
    ],
)
def test_other_state_dicts(monkeypatch, tmp_path, state, change, says):
    changed = {name: array for name, array in {**state, **change}.items() if array is not None}
    path = use(monkeypatch, tmp_path, changed)
    with pytest.raises(UserError, match="not the state dict of the FID's Inception") as caught:
        inception.load(path)
    assert says in str(caught.value) and str(path) in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def serve(monkeypatch, answers):
    """Answers every request for a file in turn, with bytes or an error; returns the list of the URLs asked for."""
    asked, answers = [], iter(answers)

    def urlopen(url, timeout):
        asked.append(url)
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        response = io.BytesIO(answer)
        response.headers = {"Content-Length": str(len(answer))}
        return response

    monkeypatch.setattr(inception.urllib, "request", types.SimpleNamespace(urlopen=urlopen))
    return asked


def test_offline(monkeypatch, cache):
    offline = urllib.error.URLError("Name or service not known")
    for answers in ([offline, offline], [b"<html>", b"not found"], [TimeoutError("timed out"), offline]):
        asked = serve(monkeypatch, answers)
        with pytest.raises(UserError) as caught:
            inception.load()
        message = str(caught.value)
        assert asked == list(inception.MIRRORS) and len(message.splitlines()) == 1
        assert inception.MIRRORS[0] in message and "--features=inception:PATH" in message
        assert not list(cache.glob("*"))


def test_the_download_is_kept(monkeypatch, cache, tmp_path, state, capsys):
    sha256 = hashlib.sha256(b"the weights").hexdigest()
    monkeypatch.setattr(inception, "SHA256", sha256[:8])
    use(monkeypatch, tmp_path, state)
    asked = serve(monkeypatch, [urllib.error.URLError("moved"), b"the weights"])
    assert inception.load()[1] == inception.load()[1] == sha256
    assert asked == list(inception.MIRRORS)
    assert [path.read_bytes() for path in cache.iterdir()] == [b"the weights"]
    assert "downloading https://github.com" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(inception, "SHA256", hashlib.sha256(b"the weights").hexdigest()[:8])
    serve(monkeypatch, [b"the weights"])
    with pytest.raises(UserError, match="set GAN_JAX_CACHE"):
        inception.load()


@pytest.fixture(scope="module")
def networks(torch_fidelity, state, tmp_path_factory):
    """Our parameters and torch-fidelity's network, of the same weights."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    folder = tmp_path_factory.mktemp("inception")
    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    torch.save(tensors, folder / "zip.pth")
    torch.save(tensors, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    params, _ = inception.load(folder / "zip.pth")
    jax.tree.map(np.testing.assert_array_equal, params, inception.load(folder / "legacy.pth")[0])
    names = ["2048", "logits_unbiased"]
    weights = {"feature_extractor_weights_path": str(folder / "zip.pth")}
    return params, FeatureExtractorInceptionV3("inception-v3-compat", names, **weights)


@pytest.mark.parametrize("shape", [(32, 32, 3), (48, 64, 1), (320, 299, 3)])
def test_features_against_torch_fidelity(networks, shape):
    import torch

    params, peer = networks
    images = pictures(6, *shape)
    colored = torch.tensor(np.broadcast_to(images, (*images.shape[:3], 3)))
    seen = peer(colored.permute(0, 3, 1, 2))
    for ours, theirs in zip(jax.jit(inception.features)(params, images), seen, strict=True):
        error, size, spread = np.abs(ours - theirs.numpy()).max(axis=0), theirs.abs().max(), theirs.numpy().std(axis=0)
        alive = spread > 0.1 * np.median(spread)  # random weights leave some features dead or nearly so
        assert error.max() < 1e-5 * size
        assert alive.mean() > 0.6 and (error[alive] < 3e-4 * spread[alive]).all()
