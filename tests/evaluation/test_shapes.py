"""Measures of solids, against loops and by hand."""

import numpy as np
import pytest

from gan_jax.data import make_source
from gan_jax.evaluation.metrics import EvalInputs, connected, shapes


def some(n, seed, share=0.3):
    return (np.random.default_rng(seed).random((n, 3, 4, 5)) < share).astype(np.uint8)


def measured(metric, real, fake):
    return metric.compute(EvalInputs(make_source("voxels", real), make_source("voxels", fake), None))


def test_distances_are_those_of_loops():
    a, b = some(4, 0), some(3, 1)
    wanted = [[1 - np.sum(x & y) / np.sum(x | y) for y in b] for x in a]
    flat = [part.reshape(len(part), -1).astype(np.float32) for part in (a, b)]
    np.testing.assert_allclose(shapes.distances(*flat), wanted, rtol=1e-6)
    nothing = np.zeros((1, 60), np.float32)
    assert shapes.distances(nothing, nothing) == 0 and shapes.distances(nothing, flat[0][:1]) == 1


def test_copies_samples_of_one_and_others():
    real = some(30, 0)
    same = measured(shapes, real, real)
    assert (same["mmd"], same["cov"], same["nn_accuracy"]) == (0, 1, 0)  # a copy is nearer than all of one's kind
    one = measured(shapes, real, np.repeat(real[:1], 30, axis=0))
    assert one["cov"] == 1 / 30 and one["mmd"] > 0.5
    other = measured(shapes, real, some(30, 1, share=0.9))
    assert other["nn_accuracy"] == pytest.approx(0.5, abs=0.1) or other["nn_accuracy"] > 0.5
    halves = some(400, 2)
    assert measured(shapes, halves[:200], halves[200:])["nn_accuracy"] == pytest.approx(0.5, abs=0.08)


def test_the_accuracy_is_that_of_a_loop():
    real, fake = some(9, 0), some(9, 1, share=0.5)
    both, right = np.concatenate([real, fake]).reshape(18, -1), 0
    for i in range(18):
        distance = [np.inf if i == j else 1 - np.sum(both[i] & both[j]) / np.sum(both[i] | both[j]) for j in range(18)]
        right += (np.argmin(distance) < 9) == (i < 9)
    assert measured(shapes, real, fake)["nn_accuracy"] == pytest.approx(right / 18)


def test_pieces():
    solid = np.zeros((4, 4, 4), np.uint8)
    solid[:2, 0, 0] = 1
    solid[3, 3, 3] = 1
    assert connected.largest_share(solid) == pytest.approx(2 / 3)
    solid[2, 1, 0] = 1  # touches by an edge alone
    assert connected.largest_share(solid) == 0.5
    assert connected.largest_share(np.zeros((2, 2, 2))) == 0
    found = measured(connected, np.ones((2, 2, 2, 2), np.uint8), solid[None])
    assert found == {"connected": 0.5, "occupied": 4 / 64, "connected_real": 1, "occupied_real": 1}
