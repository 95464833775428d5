"""The Fréchet distance against closed forms and against SciPy's root of a matrix."""

import numpy as np
import pytest

from gan_jax.evaluation.frechet_distance import frechet_distance

RNG = np.random.default_rng(0)


def gaussian(features, seed):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(features, features))
    return rng.normal(size=features), factor @ factor.T


def test_equal_gaussians():
    mu, sigma = gaussian(50, 0)
    assert 0 <= frechet_distance(mu, sigma, mu, sigma) < 1e-12 * np.trace(sigma)


def test_a_shift():
    mu, sigma = gaussian(3, 0)
    assert frechet_distance(mu, sigma, mu + np.array([1, -2, 2]), sigma) == pytest.approx(9, rel=1e-12)


def test_covariances_that_commute():
    """In a common basis, each direction adds the squared difference of the standard deviations."""
    a, b = RNG.uniform(0.1, 3, size=(2, 8))
    basis = np.linalg.qr(RNG.normal(size=(8, 8)))[0]
    distance = frechet_distance(np.zeros(8), basis * a**2 @ basis.T, np.zeros(8), basis * b**2 @ basis.T)
    assert distance == pytest.approx(np.sum((a - b) ** 2), rel=1e-12)


def test_covariances_that_do_not_commute():
    linalg = pytest.importorskip("scipy.linalg", reason="SciPy's root of a matrix is what this is compared with")
    (mu1, sigma1), (mu2, sigma2) = gaussian(12, 1), gaussian(12, 2)
    root = linalg.sqrtm(sigma1 @ sigma2).real
    expected = np.sum((mu1 - mu2) ** 2) + np.trace(sigma1 + sigma2 - 2 * root)
    assert frechet_distance(mu1, sigma1, mu2, sigma2) == pytest.approx(expected, rel=1e-10)


def test_one_dimension():
    one = lambda x: np.array([x])
    assert frechet_distance(one(1.0), one([4.0]), one(3.0), one([25.0])) == pytest.approx(4 + 9)


def test_symmetry():
    a, b = gaussian(20, 1), gaussian(20, 2)
    assert frechet_distance(*a, *b) == pytest.approx(frechet_distance(*b, *a), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_covariances_of_low_rank(scale):
    """Gaussians of 4 and 6 dimensions turned into a space of 200 keep their distance, to rounding."""
    (mu1, sigma1), (mu2, sigma2) = gaussian(6, 1), gaussian(6, 2)
    mu1[4:], sigma1[4:], sigma1[:, 4:] = 0, 0, 0
    turn = np.linalg.qr(RNG.normal(size=(200, 200)))[0][:, :6]
    lift = lambda mu, sigma: (scale * turn @ mu, scale**2 * turn @ sigma @ turn.T)
    low = frechet_distance(mu1, sigma1, mu2, sigma2)
    assert frechet_distance(*lift(mu1, sigma1), *lift(mu2, sigma2)) == pytest.approx(scale**2 * low, rel=1e-10)


def test_fewer_samples_than_features():
    a, b = RNG.normal(size=(2, 10, 40))
    fit = lambda x: (x.mean(axis=0), np.cov(x, rowvar=False))
    # Two sets of 10 span 20 dimensions: in a basis of those, there is nothing degenerate about the joint space.
    basis = np.linalg.qr(np.concatenate([a, b]).T)[0]
    assert frechet_distance(*fit(a), *fit(b)) == pytest.approx(frechet_distance(*fit(a @ basis), *fit(b @ basis)))
    assert 0 <= frechet_distance(*fit(a), *fit(a)) < 1e-11


def test_no_spread_at_all():
    point = np.zeros((3, 3))
    assert frechet_distance(np.zeros(3), point, np.ones(3), point) == 3
    assert frechet_distance(np.zeros(3), point, np.zeros(3), 4 * np.eye(3)) == pytest.approx(12)


def test_wrong_shapes_are_rejected():
    with pytest.raises(AssertionError):
        frechet_distance(np.zeros(3), np.eye(3), np.zeros(3), np.eye(2))
