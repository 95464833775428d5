"""Path lengths against closed forms."""

import numpy as np
import pytest

from gan_jax.evaluation.path_length import path_length


def test_a_linear_map():
    """Features W z: a step of epsilon d adds |W d|^2, whatever epsilon."""
    rng = np.random.default_rng(0)
    z, w, d = rng.normal(size=(1000, 8)), rng.normal(size=(8, 5)), rng.normal(size=8)
    for epsilon in (1e-4, 0.1):
        length = path_length(z @ w, (z + epsilon * d) @ w, epsilon)
        assert length == pytest.approx(np.sum((d @ w) ** 2), rel=1e-6)


def test_the_extreme_percents_are_left_out():
    lengths = np.random.default_rng(0).permutation(np.arange(1001.0))
    lengths[lengths == 1000] = 1e9
    step = np.sqrt(lengths)[:, None]
    assert path_length(0 * step, step, 1.0) == pytest.approx(np.mean(np.arange(10, 991)))


def test_wrong_shapes_are_rejected():
    with pytest.raises(AssertionError):
        path_length(np.zeros((3, 2)), np.zeros((4, 2)), 1.0)
