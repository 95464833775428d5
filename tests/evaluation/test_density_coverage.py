"""Density and coverage against their definition, and where the answer is plain."""

import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.evaluation.density_coverage import density_coverage
from gan_jax.evaluation.neighbors import BLOCK
from gan_jax.evaluation.precision_recall import precision_recall

RNG = np.random.default_rng(0)


def by_definition(real, fake, k):
    distance = lambda a, b: np.linalg.norm(a[:, None].astype(np.float64) - b, axis=-1)
    inside = distance(fake, real) < np.sort(distance(real, real), axis=1)[:, k]
    return inside.sum() / (k * len(fake)), np.mean(inside.any(axis=0))


@pytest.mark.parametrize("n, m, k", [(80, 50, 1), (50, BLOCK + 70, 2), (BLOCK + 70, 50, 5)])
def test_against_the_definition(n, m, k):
    real = RNG.normal(size=(n, 6)).astype(np.float32)
    fake = (0.8 * RNG.normal(size=(m, 6)) + 0.3).astype(np.float32)
    density, coverage = by_definition(real, fake, k)
    assert density > 0 and 0 < coverage < 1
    assert density_coverage(real, fake, k) == pytest.approx((density, coverage), abs=1e-12)


def test_equal_sets():
    """Each ball has its center and the k - 1 points before the k-th, which lies on its border: outside."""
    real = RNG.normal(size=(700, 32)).astype(np.float32)
    assert density_coverage(real, real[::-1].copy()) == (1, 1)


def test_far_apart():
    real = RNG.normal(size=(100, 8))
    assert density_coverage(real, RNG.normal(size=(100, 8)) + 100) == (0, 0)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_equal_distributions(k):
    """A ball is empty where the k nearest of all others are reals: the product below, about 2^-k."""
    n = 1500
    empty = np.prod((n - 1 - np.arange(k)) / (2 * n - 1 - np.arange(k)))
    density, coverage = density_coverage(RNG.normal(size=(n, 2)), RNG.normal(size=(n, 2)), k)
    assert empty == pytest.approx(2.0**-k, rel=0.01)
    assert coverage == pytest.approx(1 - empty, abs=0.04)
    assert density == pytest.approx(1, abs=0.1)


def test_half_of_the_modes():
    modes = 100 * np.eye(4)
    cluster = lambda which: modes[which].repeat(300, axis=0) + RNG.uniform(size=(300 * len(which), 4))
    density, coverage = density_coverage(cluster([0, 1, 2, 3]), cluster([0, 1]))
    assert density == pytest.approx(1, abs=0.1)
    assert 0.45 < coverage <= 0.5


def test_an_outlier_among_the_reals():
    """Its one huge ball holds all the bad fakes: precision calls them good, density hardly notices."""
    real = np.concatenate([RNG.normal(size=(200, 2)), [[0, 1000]]])
    fake = RNG.normal(size=(200, 2)) + np.array([100, 400])
    assert precision_recall(real, fake)[0] == 1
    density, coverage = density_coverage(real, fake)
    assert density == pytest.approx(1 / 5)
    assert coverage == pytest.approx(1 / 201)


def test_too_few_samples():
    with pytest.raises(UserError, match="more than 5 samples, not 5"):
        density_coverage(np.zeros((5, 2)), np.zeros((9, 2)))
