"""Augmentations from the same draws as their authors' code, and ADA's control from the same signs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import augment
from parity.fixtures import load

THEIRS, KEY = load("augment"), jax.random.key(0)
SIZES = {32: 32, 28: 28, 7: 5}  # height: width


@pytest.fixture
def draw(monkeypatch):
    """Makes `augment` draw given numbers: draw({(distribution, shape of an example's): numbers [B, *shape]})."""

    def given(draws):
        monkeypatch.setattr(augment, "per_example", lambda function, key, index, shape=(): draws[function, shape])

    return given


def nhwc(x):
    return jnp.asarray(x.transpose(0, 2, 3, 1), jnp.float32)


def numbered(height):
    """Images of which each pixel has a number of its own."""
    pixels = 1.0 + jnp.arange(height * SIZES[height]).reshape(1, height, SIZES[height], 1)
    return jnp.repeat(pixels, 16, axis=0)


def diffaugment(images, policy, draws, draw):
    uniform = np.zeros((len(images), 1, 5), np.float32)
    uniform[:, 0, : draws.shape[1]] = draws
    draw({(jax.random.uniform, (1, 5)): jnp.asarray(uniform)})
    return augment.diffaugment(images, KEY, jnp.arange(len(images)), policy=policy)


def test_colors_of_diffaugment(draw):
    changed = diffaugment(nhwc(THEIRS["images"]), "color", THEIRS["color_draws"], draw)
    np.testing.assert_allclose(changed, nhwc(THEIRS["color"]), atol=1e-6)


@pytest.mark.parametrize("policy", ["translation", "cutout"])
@pytest.mark.parametrize("height", SIZES)
def test_moves_of_diffaugment(height, policy, draw):
    """Of the least, the largest and other draws: so the ranges are the same."""
    changed = diffaugment(numbered(height), policy, THEIRS[f"{policy}_{height}_draws"], draw)
    np.testing.assert_array_equal(changed, nhwc(THEIRS[f"{policy}_{height}"]))


@pytest.mark.parametrize("height", SIZES)
def test_flip_and_shift_of_consistency_regularization(height, draw):
    draw({(jax.random.uniform, (3,)): jnp.asarray(THEIRS[f"cr_{height}_draws"])})
    changed = augment.flip_and_shift(numbered(height), KEY, jnp.arange(16))
    np.testing.assert_array_equal(changed, nhwc(THEIRS[f"cr_{height}"]))


def test_colors_noise_and_cutout_of_ada(draw):
    draws, batch = THEIRS["pipe_draws"], len(THEIRS["pipe"])
    number, against_p = draws[:, ::2], draws[:, 1::2]
    moves = 8  # blits and geometry, which come first and do not happen
    uniform, normal = np.ones((batch, moves + 7, 3), np.float32), np.zeros((batch, moves + 7, 2), np.float32)
    uniform[:, moves : moves + 6, 0] = against_p
    normal[:, moves : moves + 6, 0] = number
    uniform[:, moves + 2, 1] = 1 - number[:, 2]  # theirs flips the luma from 1/2 on, ours below
    uniform[:, moves + 3, 1] = (number[:, 3] + 0.5) % 1  # theirs turns the hue by -pi to pi, ours by 0 to 2 pi
    uniform[:, -1] = np.stack([THEIRS["pipe_hole"], THEIRS["pipe_center"][:, 1], THEIRS["pipe_center"][:, 0]], axis=1)
    draw(
        {
            (jax.random.uniform, (moves + 7, 3)): jnp.asarray(uniform),
            (jax.random.normal, (moves + 7, 2)): jnp.asarray(normal),
            (jax.random.normal, (6, 5, 3)): nhwc(THEIRS["pipe_grain"]),
        }
    )
    images = nhwc(THEIRS["pipe_images"])
    ada = jax.jit(partial(augment.ada, pipe="cno"))
    changed = ada(images, KEY, jnp.arange(batch), jnp.float32(THEIRS["pipe_p"]))
    np.testing.assert_allclose(changed, nhwc(THEIRS["pipe"]), atol=3e-6)


def test_control_of_ada():
    """4,000 turns: ours moves at the turn after theirs, and stays at 1, beyond which theirs goes on."""

    def turn(state, signs):
        state = augment.ada_update(state, signs, batch_size=64, speed_kimg=100)
        return state, state["p"]

    _, p = jax.lax.scan(turn, augment.ada_init(), jnp.asarray(THEIRS["signs"], jnp.float32))
    theirs = THEIRS["p"]
    assert theirs[1199] > 0.7 and theirs[1999] < 0.4 and theirs[-1] > 1.5
    np.testing.assert_allclose(p[1:], np.minimum(theirs, 1)[:-1], atol=1e-5)
