import jax
import numpy as np
import pytest

from gan_jax.data import Source
from gan_jax.data.arrays import digits, stacked_digits
from gan_jax.data.toys import ring
from gan_jax.errors import UserError
from gan_jax.evaluation import features as module
from gan_jax.evaluation.features import Features, content_hash, look, look_once, open_features

# A network whose features are known: the pixels, and twice the pixels as logits.
PIXELS = Features("classifier", "pixels", None, lambda _, x: (x.reshape(len(x), -1) / 1.0, 2.0 * x[:, 0, :, 0]), 8)


def noise(n, shape=(2, 3, 1), seed=0):
    images = np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(np.uint8)
    return Source(images, np.zeros(n, np.int32))


@pytest.mark.parametrize("n", [1, 31, 32, 33, 2500])  # four devices see 32 images at a time, moments 1,024
def test_one_pass_gives_moments_of_all_and_features_of_some(n):
    source, rows = noise(n), np.arange(0, n, 3)
    seen = look(source, PIXELS, rows, "test")
    pixels = source.images.reshape(n, -1).astype(float)
    assert seen.moments.count == n
    np.testing.assert_allclose(seen.moments.mean, pixels.mean(axis=0))
    np.testing.assert_allclose(seen.moments.scatter, (pixels - pixels.mean(0)).T @ (pixels - pixels.mean(0)), rtol=1e-9)
    np.testing.assert_array_equal(seen.pool, pixels[rows])
    np.testing.assert_array_equal(seen.logits, 2 * source.images[rows][:, 0, :, 0].astype(np.float32))


def test_points_are_their_own_features():
    source = ring().select(np.arange(500))
    features = open_features("auto", source, "ring")
    seen = look(source, features, np.arange(500), "test")
    np.testing.assert_array_equal(seen.pool, source.read(np.arange(500))["image"])
    assert features.kind == "points" and seen.logits.shape == (500, 0)


def test_what_is_not_finite_is_not_measured():
    points = np.zeros((50, 2), np.float32)
    points[40] = np.nan
    source = Source(points, np.zeros(50, np.int32))
    with pytest.raises(UserError, match="samples: some are not finite"):
        look(source, open_features("points", source, "npz"), np.arange(5), "samples")


def test_a_set_is_seen_once_for_its_content(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path))
    looks = []
    monkeypatch.setattr(module, "look", lambda *args: looks.append(args) or look(*args))
    rows = np.arange(5)

    def once(source, features=PIXELS, rows=rows):
        return look_once(source, features, rows, "test", content_hash(source))

    first, again = once(noise(40)), once(noise(40))
    assert len(looks) == 1
    jax.tree.map(np.testing.assert_array_equal, first, again)
    np.testing.assert_array_equal(first.pool, look(noise(40), PIXELS, rows, "test").pool)
    once(noise(40, seed=1)), once(noise(40), PIXELS._replace(name="other")), once(noise(40), rows=np.arange(6))
    assert len(looks) == 4
    for file in tmp_path.glob("seen/*"):
        file.write_bytes(file.read_bytes()[:100])  # damaged
    jax.tree.map(np.testing.assert_array_equal, once(noise(40)), first)
    assert len(looks) == 5


def test_the_hash_is_of_pixels_labels_and_order():
    source = noise(20)
    relabelled = Source(source.images, source.labels + 1)
    reshaped = Source(source.images.reshape(20, 3, 2, 1), source.labels)
    others = [noise(20, seed=1), source.select(np.arange(20)[::-1]), relabelled, reshaped, source.select(np.arange(19))]
    hashes = {content_hash(each) for each in (source, *others)}
    assert len(hashes) == 6 and content_hash(noise(20)) == content_hash(source)


def test_what_auto_means(monkeypatch):
    assert open_features("auto", digits(), "digits").name.startswith("classifier digits")
    assert open_features("auto", stacked_digits(), "stacked_digits").kind == "classifier"
    assert open_features("auto", digits(), "tfds:mnist").kind == "classifier"
    monkeypatch.setattr(module.inception, "load", lambda path: (None, "0123456789abcdef"))
    monkeypatch.setattr(module.inception, "features", lambda params, images, resize: (images, images))
    name = open_features("auto", noise(4, (28, 28, 1)), "npz:fashion.npz").name
    assert name == "inception 0123456789ab, legacy resize to 299x299"


@pytest.mark.parametrize(
    "name, source, message",
    [
        ("points", digits(), "digits has images"),
        ("classifier", ring(), "ring has points"),
        ("dreams", digits(), "features=dreams: must be one of auto, points"),
        ("points:x", ring(), "must be one of"),
        ("classifier:nowhere.npz", digits(), "there is no classifier nowhere.npz"),
        ("classifier", noise(4, (32, 32, 3)), "the classifier takes images 28x28x1, not 32x32x3"),
        ("inception:nowhere.pth", digits(), "nowhere.pth"),
    ],
)
def test_features_that_cannot_be(name, source, message):
    names = {2: "ring", 4: "digits"}
    with pytest.raises(UserError, match=message):
        open_features(name, source, names[len(source.image_shape) + 1])
