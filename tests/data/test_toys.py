import numpy as np
import pytest

from gan_jax.data import open_source, toys


@pytest.mark.parametrize(
    ("name", "modes", "sigma", "count"), [("ring", toys.ring_modes(), 0.01, 8), ("grid", toys.grid_modes(), 0.05, 25)]
)
def test_mixtures(config, name, modes, sigma, count):
    source = open_source(config(name))
    assert (len(source), source.image_shape, source.num_classes) == (100_000, (2,), count)
    assert source.images.dtype == np.float32 and source.labels.dtype == np.int32
    for mode, centre in enumerate(modes):
        points = source.images[source.labels == mode]
        assert len(points) == pytest.approx(100_000 / count, rel=0.1)
        np.testing.assert_allclose(points.mean(0), centre, atol=sigma / 10)
        np.testing.assert_allclose(points.std(0), sigma, rtol=0.05)


def test_modes():
    np.testing.assert_allclose(np.hypot(*toys.ring_modes().T), 1, rtol=1e-6)
    gaps = np.linalg.norm(toys.ring_modes() - np.roll(toys.ring_modes(), 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 2 * np.sin(np.pi / 8), rtol=1e-6)
    wanted = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(mode) for mode in toys.grid_modes().tolist()} == wanted


def test_spiral_and_moons(config):
    spiral, moons = open_source(config("spiral")), open_source(config("moons"))
    assert spiral.num_classes == moons.num_classes == 2
    # An arm is the other one turned by half a circle; a half circle, the other one mirrored at the origin.
    for source in (spiral, moons):
        first, second = (source.images[source.labels == label] for label in (0, 1))
        edges = np.linspace(-1.6, 1.6, 9)
        counts = [np.histogram2d(*points.T, bins=edges)[0] / len(points) for points in (first, -second)]
        np.testing.assert_allclose(*counts, atol=0.01)
        assert not np.allclose(counts[0], np.histogram2d(*second.T, bins=edges)[0] / len(second), atol=0.05)
    centre = np.array([[-0.5, -0.25], [0.5, 0.25]])[moons.labels]
    assert np.hypot(*(moons.images - centre).T).mean() == pytest.approx(1, abs=0.01)


def test_the_points_are_always_the_same(config):
    np.testing.assert_array_equal(open_source(config("moons")).images, open_source(config("moons")).images)
