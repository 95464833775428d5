"""The kernel distance against its definition, and against what chance may do."""

import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.evaluation.kernel_distance import kernel_distance, polynomial_mmd

RNG = np.random.default_rng(0)


def by_definition(x, y):
    kernel = lambda a, b: (a @ b / len(a) + 1) ** 3
    within = lambda z: np.mean([kernel(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j])
    return within(x) + within(y) - 2 * np.mean([kernel(a, b) for a in x for b in y])


def test_against_the_definition():
    x, y = RNG.normal(size=(9, 4)), RNG.normal(size=(14, 4)) + 1
    assert polynomial_mmd(x, y) == pytest.approx(by_definition(x, y), rel=1e-12)


def test_points_in_one_place():
    """At a and b, all pairs within have the kernel of that point with itself."""
    a, b = np.array([[1.0, 2.0]]), np.array([[0.0, -1.0]])
    expected = (5 / 2 + 1) ** 3 + (1 / 2 + 1) ** 3 - 2 * (-2 / 2 + 1) ** 3
    assert polynomial_mmd(a.repeat(3, axis=0), b.repeat(5, axis=0)) == pytest.approx(expected)


def test_equal_distributions_are_within_chance():
    samples = RNG.normal(size=(20, 800, 8))
    results = np.array([kernel_distance(x[:400], x[400:], block_size=50, seed=i) for i, x in enumerate(samples)])
    means, errors = results.T
    assert np.all(np.abs(means) < 4 * errors)
    assert 4 <= np.sum(means < 0) <= 16  # without bias, either sign is about as likely
    # The standard error is what the means scatter by.
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(np.std(means), rel=0.5)


def test_a_shift_is_seen():
    mean, error = kernel_distance(RNG.normal(size=(500, 8)), RNG.normal(size=(700, 8)) + 0.5, block_size=100)
    assert mean > 10 * error > 0


def test_blocks_are_disjoint_and_of_the_given_size(monkeypatch):
    seen = []
    record = lambda a, b: seen.append((a, b)) or float(len(seen))
    monkeypatch.setitem(kernel_distance.__globals__, "polynomial_mmd", record)
    x, y = np.arange(10.0)[:, None], np.arange(23.0)[:, None]
    assert kernel_distance(x, y, block_size=3) == pytest.approx((2, 1 / np.sqrt(3)))
    for blocks in zip(*seen, strict=True):
        assert [len(block) for block in blocks] == [3, 3, 3]
        assert len(np.unique(np.concatenate(blocks))) == 9
    seen.clear()
    kernel_distance(x, y, block_size=1000)  # too large: two halves of the smaller set
    assert [(len(a), len(b)) for a, b in seen] == [(5, 5), (5, 5)]


def test_the_seed_decides():
    x, y = RNG.normal(size=(2, 60, 3))
    assert kernel_distance(x, y, 20, seed=1) == kernel_distance(x, y, 20, seed=1) != kernel_distance(x, y, 20, seed=2)


def test_too_few_samples():
    with pytest.raises(UserError, match="4 samples of each set, not 3 and 9"):
        kernel_distance(np.zeros((3, 2)), np.zeros((9, 2)))
    with pytest.raises(UserError, match="2 samples of each set, not 9 and 1"):
        polynomial_mmd(np.zeros((9, 2)), np.zeros((1, 2)))


def test_wrong_shapes_are_rejected():
    with pytest.raises(AssertionError):
        polynomial_mmd(np.zeros((4, 2)), np.zeros((4, 3)))
