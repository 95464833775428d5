"""Distances block by block against direct differences in float64."""

import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.evaluation.neighbors import BLOCK, kth_nearest, squared_distances

RNG = np.random.default_rng(0)


def direct(a, b):
    return np.sum((a[:, None].astype(np.float64) - b) ** 2, axis=-1)


def by_blocks(a, b):
    rows, blocks = zip(*squared_distances(a, b), strict=True)
    np.testing.assert_array_equal(np.concatenate([np.arange(len(a))[r] for r in rows]), np.arange(len(a)))
    return np.concatenate(blocks)


@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3])
def test_against_differences(n):
    a, b = RNG.normal(size=(n, 5)).astype(np.float32), RNG.normal(size=(30, 5)).astype(np.float32)
    np.testing.assert_allclose(by_blocks(a, b), direct(a, b), rtol=1e-6)


def test_no_block_is_larger_than_promised():
    assert (
        max(len(block) for _, block in squared_distances(RNG.normal(size=(2 * BLOCK + 3, 2)), np.zeros((4, 2))))
        <= BLOCK
    )


def test_tight_clusters_far_apart_and_far_from_zero():
    """Within a cluster, float32 would leave of |a|^2 + |b|^2 - 2 a.b no digit at all."""
    centers = np.array([[1000.0, 0.0], [1000.0, 500.0]])
    points = (np.repeat(centers, 50, axis=0) + RNG.normal(size=(100, 2)) / 100).astype(np.float32)
    np.testing.assert_allclose(by_blocks(points, points), direct(points, points), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("offset", [0, 1e6])
def test_copies_are_at_zero_and_others_are_not(offset):
    points = (RNG.normal(size=(600, 64)) + offset).astype(np.float32)
    squared = by_blocks(points, points.copy())
    np.testing.assert_array_equal(np.diag(squared), 0)
    assert np.count_nonzero(squared) == 600 * 599


@pytest.mark.parametrize("k", [1, 4])
def test_kth_nearest(k):
    x = RNG.normal(size=(BLOCK + 20, 3)).astype(np.float32)
    np.testing.assert_allclose(kth_nearest(x, k), np.sort(direct(x, x), axis=1)[:, k], rtol=1e-6)


def test_kth_nearest_of_copies():
    x = np.repeat(RNG.normal(size=(10, 3)), 3, axis=0)
    np.testing.assert_array_equal(kth_nearest(x, 2), 0)
    assert np.all(kth_nearest(x, 3) > 0)


def test_kth_nearest_on_a_line():
    np.testing.assert_array_equal(kth_nearest(np.arange(5.0)[:, None], 2), [4, 1, 1, 1, 4])


def test_too_few_samples():
    with pytest.raises(UserError, match="3 nearest neighbors need more than 3 samples, not 3"):
        kth_nearest(np.zeros((3, 2)), 3)


def test_wrong_shapes_are_rejected():
    with pytest.raises(AssertionError):
        next(squared_distances(np.zeros((4, 2)), np.zeros((4, 3))))
