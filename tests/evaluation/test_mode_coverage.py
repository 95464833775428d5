"""Mode counts where the modes are known."""

import math

import numpy as np
import pytest

from gan_jax.data.sources import grid, ring
from gan_jax.evaluation.mode_coverage import class_coverage, mode_coverage

MODES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


@pytest.mark.parametrize("source, modes, sigma", [(ring, ring.modes(), 0.01), (grid, grid.modes(), 0.05)])
def test_real_samples_find_everything(source, modes, sigma):
    points = source.open_source().read(np.arange(20_000))["points"]
    result = mode_coverage(points, modes, sigma)
    assert result.modes == len(modes)
    assert result.high_quality == pytest.approx(1 - math.exp(-4.5), abs=0.003)
    assert 0 <= result.kl < 0.002


@pytest.mark.parametrize("hit", [1, 3, 4])
def test_lost_modes(hit):
    points = np.tile(MODES[:hit], (5, 1)) + np.array([0.2, -0.2])
    assert mode_coverage(points, MODES, sigma=0.1) == (hit, 1, pytest.approx(math.log(4 / hit), abs=1e-12))


def test_only_samples_of_high_quality_count():
    """A sample beyond 3 sigma finds no mode and has no part in the divergence."""
    points = np.array([[0, 0], [0.299, 0], [0.301, 0], [10, 0.301]])
    assert mode_coverage(points, MODES, sigma=0.1) == (1, 0.5, pytest.approx(math.log(4)))


def test_uneven_modes():
    points = MODES[[0, 0, 0, 1]]
    expected = 0.75 * math.log(0.75 * 4) + 0.25 * math.log(0.25 * 4)
    assert mode_coverage(points, MODES, sigma=0.1) == (2, 1, pytest.approx(expected))


def test_no_sample_near_a_mode():
    assert mode_coverage(np.full((3, 2), 5.0), MODES, sigma=0.1) == (0, 0, math.inf)


def test_classes():
    assert class_coverage(np.arange(1000), 1000) == (1000, pytest.approx(0, abs=1e-12))
    assert class_coverage(np.arange(250).repeat(3), 1000) == (250, pytest.approx(math.log(4)))


def test_classes_against_real_shares():
    expected = 0.5 * math.log(0.5 / 0.2) + 0.5 * math.log(0.5 / 0.8)
    assert class_coverage(np.array([0, 1]), 3, np.array([0.2, 0.8, 0.0])) == (2, pytest.approx(expected))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("labels, modes", [([0, 2], 2), ([], 0)])
def test_an_infinite_divergence(labels, modes):
    """Of samples of a class that no real sample has, and of no samples."""
    assert class_coverage(np.array(labels, int), 3, np.array([0.2, 0.8, 0.0])) == (modes, math.inf)


def test_labels_out_of_range_are_rejected():
    with pytest.raises(AssertionError):
        class_coverage(np.array([3]), 3)
