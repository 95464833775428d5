import json

import numpy as np
import pytest

from gan_jax.data import open_source
from gan_jax.data.sources import grid, ring


@pytest.mark.parametrize(
    ("name", "modes", "sigma", "count"), [("ring", ring.modes(), 0.01, 8), ("grid", grid.modes(), 0.05, 25)]
)
def test_mixtures(config, name, modes, sigma, count):
    source = open_source(config(name))
    field, points = source.fields["points"], source.columns["points"]
    assert (len(source), field.shape, len(source.class_names)) == (100_000, (2,), count)
    assert points.dtype == np.float32 and source.labels.dtype == np.int32
    for mode, center in enumerate(modes):
        own = points[source.labels == mode]
        assert len(own) == pytest.approx(100_000 / count, rel=0.1)
        np.testing.assert_allclose(own.mean(0), center, atol=sigma / 10)
        np.testing.assert_allclose(own.std(0), sigma, rtol=0.05)
    fitted = json.loads(json.dumps(dict(field.fitted)))
    np.testing.assert_array_equal(np.float32(fitted["centers"]), modes)
    assert fitted["deviation"] == sigma


def test_modes():
    np.testing.assert_allclose(np.hypot(*ring.modes().T), 1, rtol=1e-6)
    gaps = np.linalg.norm(ring.modes() - np.roll(ring.modes(), 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 2 * np.sin(np.pi / 8), rtol=1e-6)
    wanted = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(mode) for mode in grid.modes().tolist()} == wanted


def test_spiral_and_moons(config):
    spiral, moons = open_source(config("spiral")), open_source(config("moons"))
    # An arm is the other one turned by half a circle; a half circle, the other one mirrored at the origin.
    for source in (spiral, moons):
        assert source.class_names == ("0", "1") and source.fields["points"].fitted == {}
        first, second = (source.columns["points"][source.labels == label] for label in (0, 1))
        edges = np.linspace(-1.6, 1.6, 9)
        counts = [np.histogram2d(*points.T, bins=edges)[0] / len(points) for points in (first, -second)]
        np.testing.assert_allclose(*counts, atol=0.01)
        assert not np.allclose(counts[0], np.histogram2d(*second.T, bins=edges)[0] / len(second), atol=0.05)
    center = np.array([[-0.5, -0.25], [0.5, 0.25]])[moons.labels]
    assert np.hypot(*(moons.columns["points"] - center).T).mean() == pytest.approx(1, abs=0.01)


def test_the_points_are_always_the_same(config):
    first, again = (open_source(config("moons")).columns["points"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
