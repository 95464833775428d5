"""The sliced Wasserstein distance against closed forms."""

import numpy as np
import pytest

from gan_jax.evaluation.sliced_wasserstein import sliced_wasserstein

POINTS = np.random.default_rng(0).normal(size=(3000, 2)).astype(np.float32)


def test_equal_sets_in_any_order():
    assert sliced_wasserstein(POINTS, POINTS[::-1]) == 0


def test_a_shift():
    shift = np.array([3.0, -4.0], np.float32)
    assert sliced_wasserstein(POINTS, POINTS + shift, directions=4096) == pytest.approx(5 / np.sqrt(2), rel=0.03)


def test_a_scale():
    """W2 between N(0, 1) and N(0, 9) is 2, in every direction."""
    assert sliced_wasserstein(POINTS, 3 * POINTS) == pytest.approx(2, rel=0.05)


def test_a_missing_mode_is_noticed():
    modes = np.repeat([[-1.0, 0.0], [1.0, 0.0]], 500, axis=0).astype(np.float32)
    assert sliced_wasserstein(modes, np.abs(modes)) > 0.5


def test_different_numbers_are_rejected():
    with pytest.raises(AssertionError):
        sliced_wasserstein(POINTS, POINTS[:5])
