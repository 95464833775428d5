import jax
import numpy as np
import pytest

from gan_jax.data import make_source
from gan_jax.data.sources import ring
from gan_jax.errors import UserError
from gan_jax.evaluation import feature_stats as module
from gan_jax.evaluation.feature_stats import cached_stats, compute_stats, content_hash
from gan_jax.evaluation.features import Features, open_features

# A network whose features are known: the pixels, and twice the pixels as logits.
PIXELS = Features("pixels", None, lambda _, x: (x.reshape(len(x), -1) / 1.0, 2.0 * x[:, 0, :, 0]), 8)


def noise(n, shape=(2, 3, 1), seed=0, labels=None):
    images = np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(np.uint8)
    return make_source("image", images, labels, () if labels is None else ("a", "b"))


@pytest.mark.parametrize("n", [1, 31, 32, 33, 2500])  # four devices take 32 images at a time, moments 1,024
def test_one_pass_gives_moments_of_all_and_features_of_some(n):
    source, rows = noise(n), np.arange(0, n, 3)
    stats = compute_stats(source, PIXELS, rows, "test")
    images = source.columns["image"]
    pixels = images.reshape(n, -1).astype(float)
    assert stats.moments.count == n
    np.testing.assert_allclose(stats.moments.mean, pixels.mean(axis=0))
    scatter = (pixels - pixels.mean(0)).T @ (pixels - pixels.mean(0))
    np.testing.assert_allclose(stats.moments.scatter, scatter, rtol=1e-9)
    np.testing.assert_array_equal(stats.features, pixels[rows])
    np.testing.assert_array_equal(stats.logits, 2 * images[rows][:, 0, :, 0].astype(np.float32))


def test_points_are_their_own_features():
    source = ring.open_source().select(np.arange(500))
    stats = compute_stats(source, open_features("points", source.fields["points"]), np.arange(500), "test")
    np.testing.assert_array_equal(stats.features, source.read(np.arange(500))["points"])
    assert stats.logits.shape == (500, 0)


def test_what_is_not_finite_is_not_measured():
    points = np.zeros((50, 2), np.float32)
    points[40] = np.nan
    source = make_source("points", points)
    with pytest.raises(UserError, match="samples: some are not finite"):
        compute_stats(source, open_features("points", source.fields["points"]), np.arange(5), "samples")


def test_features_of_a_set_are_computed_once_for_its_content(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path))
    passes = []
    monkeypatch.setattr(module, "compute_stats", lambda *args: passes.append(args) or compute_stats(*args))
    rows = np.arange(5)

    def cached(source, features=PIXELS, rows=rows):
        return cached_stats(source, features, rows, "test", content_hash(source))

    first, again = cached(noise(40)), cached(noise(40))
    assert len(passes) == 1
    jax.tree.map(np.testing.assert_array_equal, first, again)
    np.testing.assert_array_equal(first.features, compute_stats(noise(40), PIXELS, rows, "test").features)
    cached(noise(40, seed=1)), cached(noise(40), PIXELS._replace(name="other")), cached(noise(40), rows=np.arange(6))
    assert len(passes) == 4
    for file in tmp_path.glob("features/*"):
        file.write_bytes(file.read_bytes()[:100])  # damaged
    jax.tree.map(np.testing.assert_array_equal, cached(noise(40)), first)
    assert len(passes) == 5


def test_the_hash_is_of_pixels_labels_and_order():
    zeros = np.zeros(20, np.int32)
    source = noise(20, labels=zeros)
    relabeled = noise(20, labels=zeros + 1)
    reshaped = make_source("image", source.columns["image"].reshape(20, 3, 2, 1), zeros, ("a", "b"))
    others = [noise(20, seed=1), source.select(np.arange(20)[::-1]), relabeled, reshaped, source.select(np.arange(19))]
    hashes = {content_hash(each) for each in (source, *others)}
    assert len(hashes) == 6 and content_hash(noise(20, labels=zeros)) == content_hash(source)
    assert content_hash(noise(20)) == content_hash(source)  # without labels as with zeros
