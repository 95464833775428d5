"""Nearest reals against brute force and planted copies, and their picture."""

import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.evaluation.feature_stats import FeatureStats
from gan_jax.evaluation.metrics import EvalInputs, nearest
from gan_jax.evaluation.nearest_neighbors import nearest_neighbors, neighbors_picture
from gan_jax.evaluation.neighbors import BLOCK

RNG = np.random.default_rng(0)


def test_against_brute_force():
    fake = RNG.normal(size=(BLOCK + 9, 4)).astype(np.float32)
    real = RNG.normal(size=(70, 4)).astype(np.float32)
    expected = np.linalg.norm(fake[:, None].astype(np.float64) - real, axis=-1)
    rows, distances = nearest_neighbors(fake, real, k=3)
    np.testing.assert_array_equal(rows, np.argsort(expected, axis=1)[:, :3])
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :3], rtol=1e-6)


def test_copies_are_found():
    real = RNG.uniform(0, 255, size=(300, 100)).astype(np.float32)
    fake = RNG.uniform(0, 255, size=(20, 100)).astype(np.float32)
    fake[[3, 11]] = real[[250, 7]]
    rows, distances = nearest_neighbors(fake, real)
    assert rows.shape == distances.shape == (20, 5)
    np.testing.assert_array_equal(rows[[3, 11], 0], [250, 7])
    np.testing.assert_array_equal(np.flatnonzero(distances[:, 0] == 0), [3, 11])
    assert np.all(np.diff(distances, axis=1) >= 0)


def test_of_equally_near_ones_the_first_row_is_first():
    rows, distances = nearest_neighbors(np.zeros((1, 2)), np.array([[3.0, 4.0], [0.0, 5.0], [1.0, 0.0]]), k=3)
    np.testing.assert_array_equal(rows, [[2, 0, 1]])
    np.testing.assert_allclose(distances, [[1, 5, 5]], rtol=1e-6)


def test_too_few_reals():
    with pytest.raises(UserError, match="at least 5 real samples, not 4"):
        nearest_neighbors(np.zeros((9, 2)), np.zeros((4, 2)))


@pytest.mark.parametrize("channels", [1, 3])
def test_picture(channels):
    fakes = RNG.integers(1, 256, size=(4, 60, 70, channels), dtype=np.uint8)
    neighbors = RNG.integers(1, 256, size=(4, 2, 60, 70, channels), dtype=np.uint8)
    picture = neighbors_picture(fakes, neighbors)
    assert picture.shape == (4 * 60, 4 * 70, channels) and picture.dtype == np.uint8
    place = lambda row, column: picture[60 * row : 60 * (row + 1), 70 * column : 70 * (column + 1)]
    for row in range(4):
        np.testing.assert_array_equal(place(row, 0), fakes[row])
        np.testing.assert_array_equal(place(row, 1), 0)
        np.testing.assert_array_equal(place(row, 2), neighbors[row, 0])
        np.testing.assert_array_equal(place(row, 3), neighbors[row, 1])


def test_wrong_shapes_are_rejected():
    with pytest.raises(AssertionError):
        neighbors_picture(np.zeros((4, 8, 8, 1), np.uint8), np.zeros((3, 2, 8, 8, 1), np.uint8))


def test_how_far_the_nearest_real_ones_are():
    """Of real examples on a line, one apart, and two copies among four samples."""
    real = np.stack([np.arange(200.0), np.zeros(200)], axis=1).astype(np.float32)
    fake = np.array([[3, 0], [3, 2], [50, 0], [80, -4]], np.float32)
    stats = (FeatureStats(None, np.arange(len(set_)), set_, None) for set_ in (real, fake))
    inputs = EvalInputs(None, None, None, 0, None, *stats)
    assert nearest.compute(inputs) == {"nearest": 1.5, "nearest_real": 1.0, "copies": 0.5}
