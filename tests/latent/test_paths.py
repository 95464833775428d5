"""Ways between latents: the circle's geometry, lines, and splines through keyframes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.latent.paths import between, lerp, slerp, spline

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


def test_wrong_shapes_are_rejected():
    for way in (slerp, lerp):
        with pytest.raises(AssertionError):
            way(A, B, jnp.zeros(3))


@pytest.mark.parametrize("loop, frames", [(False, 9), (True, 12)])
def test_every_keyframe_is_a_frame(loop, frames):
    keyframes = A[:3]
    for made in (between(slerp, keyframes, 4, loop), between(lerp, keyframes, 4, loop), spline(keyframes, 4, loop)):
        assert made.shape == (frames, 64)
        np.testing.assert_allclose(made[::4][:3], keyframes, rtol=1e-4, atol=1e-5)
    halfway = between(lerp, keyframes, 4, loop)[2]
    np.testing.assert_allclose(halfway, (keyframes[0] + keyframes[1]) / 2, rtol=1e-5, atol=1e-6)
    if loop:
        back = between(lerp, keyframes, 4, loop)[10]
        np.testing.assert_allclose(back, (keyframes[2] + keyframes[0]) / 2, rtol=1e-5, atol=1e-6)


def test_a_spline_has_no_corners():
    made = spline(A[:4, :3], 100, loop=True)
    turns = np.diff(np.concatenate([made, made[:2]]), 2, axis=0)
    straight = np.diff(np.asarray(between(lerp, A[:4, :3], 100, loop=True)), 2, axis=0)
    assert np.abs(turns).max() < 0.05 * np.abs(straight).max()
