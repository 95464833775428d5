"""Precision and recall against their definition, and where the answer is plain."""

import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.evaluation.neighbors import BLOCK
from gan_jax.evaluation.precision_recall import precision_recall

RNG = np.random.default_rng(0)


def by_definition(real, fake, k):
    distance = lambda a, b: np.linalg.norm(a[:, None].astype(np.float64) - b, axis=-1)
    radii = lambda x: np.sort(distance(x, x), axis=1)[:, k]
    inside = lambda points, centers: np.mean(np.any(distance(points, centers) <= radii(centers), axis=1))
    return inside(fake, real), inside(real, fake)


@pytest.mark.parametrize("n, m, k", [(80, 50, 1), (50, BLOCK + 70, 3), (BLOCK + 70, 50, 3)])
def test_against_the_definition(n, m, k):
    real = RNG.normal(size=(n, 6)).astype(np.float32)
    fake = (0.8 * RNG.normal(size=(m, 6)) + 0.3).astype(np.float32)
    precision, recall = by_definition(real, fake, k)
    assert 0 < precision < 1 and 0 < recall < 1
    assert precision_recall(real, fake, k) == pytest.approx((precision, recall), abs=1e-12)


def test_equal_sets():
    real = RNG.normal(size=(700, 32)).astype(np.float32)
    real[100:120] = real[0]  # copies, whose balls have no radius
    assert precision_recall(real, real[::-1].copy()) == (1, 1)


def test_far_apart():
    real = RNG.normal(size=(100, 8))
    assert precision_recall(real, RNG.normal(size=(100, 8)) + 100) == (0, 0)


def test_half_of_the_modes():
    """Fakes of two of four clusters are all good, and reach half of the reals."""
    modes = 100 * np.eye(4)
    cluster = lambda which: modes[which].repeat(300, axis=0) + RNG.uniform(size=(300 * len(which), 4))
    precision, recall = precision_recall(cluster([0, 1, 2, 3]), cluster([0, 1]))
    assert precision > 0.8
    assert 0.4 < recall <= 0.5


def test_a_point_at_the_radius_is_inside():
    real = np.array([[0.0], [1.0]])
    assert precision_recall(real, np.array([[2.0], [3.0]]), k=1) == (0.5, 0.5)


@pytest.mark.parametrize("sizes", [(3, 9), (9, 3)])
def test_too_few_samples(sizes):
    with pytest.raises(UserError, match="more than 3 samples, not 3"):
        precision_recall(*(np.zeros((size, 2)) for size in sizes))
