"""Spherical interpolation against its geometry, path lengths against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.evaluation.path_length import path_length, slerp

A, B = jax.random.normal(jax.random.key(0), (2, 50, 64))


def full(t):
    return jnp.full(50, t)


def test_the_ends():
    np.testing.assert_allclose(slerp(A, B, full(0.0)), A, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slerp(A, B, full(1.0)), B, rtol=1e-5, atol=1e-6)


def test_a_quarter_circle():
    a, b, t = jnp.array([[3.0, 0.0]] * 4), jnp.array([[0.0, 1.0]] * 4), jnp.array([0.0, 0.25, 0.5, 1.0])
    angle = np.pi / 2 * np.array(t)
    expected = (3 - 2 * np.array(t))[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    np.testing.assert_allclose(slerp(a, b, t), expected, atol=1e-6)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.8])
def test_direction_and_norm_change_at_constant_speed(t):
    a, b, c = (np.array(x, np.float64) for x in (A, B, slerp(A, B, full(t))))
    norm = lambda x: np.linalg.norm(x, axis=1)
    angle = lambda x, y: np.arccos(np.sum(x * y, axis=1) / (norm(x) * norm(y)))
    np.testing.assert_allclose(norm(c), (1 - t) * norm(a) + t * norm(b), rtol=1e-5)
    np.testing.assert_allclose(angle(a, c), t * angle(a, b), rtol=1e-4)
    np.testing.assert_allclose(angle(a, c) + angle(c, b), angle(a, b), rtol=1e-4)


def test_parallel_latents():
    """The direction stays and only the norm changes."""
    np.testing.assert_allclose(slerp(A, 3 * A, full(0.25)), 1.5 * A, rtol=1e-5)
    np.testing.assert_allclose(slerp(A, A, full(0.7)), A, rtol=1e-5)


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
        slerp(A, B, jnp.zeros(3))
    with pytest.raises(AssertionError):
        path_length(np.zeros((3, 2)), np.zeros((4, 2)), 1.0)
