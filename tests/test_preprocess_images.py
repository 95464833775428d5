"""What a game that makes images of noise sees of them: flips, and noise within their levels."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import preprocess
from gan_jax.data import KEYS
from gan_jax.errors import UserError
from gan_jax.modalities import Field, lookup

KEY = jax.random.key(0)
IMAGES = {"image": Field(lookup("image"), (4, 6, 3))}


def config_of(**changes):
    return types.SimpleNamespace(**{name: key.default for name, key in KEYS.items()} | changes)


def test_inputs_are_for_games_that_translate():
    assert preprocess.of_images(config_of(pair="none"), IMAGES) is None
    assert preprocess.of_images(config_of(pair="left_right"), IMAGES) is None  # of pairs there are targets
    values = {"inputs": "folder:x", "task": "edges", "jitter": 9, "crop": 4}
    for name, value in values.items():
        with pytest.raises(UserError, match=f"--config.data.{name}: for games that translate"):
            preprocess.of_images(config_of(**{"pair": "none", name: value}), IMAGES)
    with pytest.raises(UserError, match=r"--config\.data\.flip needs images, these data are points"):
        preprocess.of_images(config_of(pair="none", flip=True), {"points": Field(lookup("points"), (2,))})
    with pytest.raises(UserError, match=r"--config\.data\.dequantize: for games that make images of noise"):
        preprocess.make_preprocess(config_of(task="edges", dequantize=True), {**IMAGES, "input": IMAGES["image"]})


def test_images_are_flipped_half_of_the_time():
    images = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (400, 4, 6, 3)), jnp.float32)
    batch = {"image": images, "index": jnp.arange(400), "label": jnp.arange(400)}
    seen = preprocess.of_images(config_of(pair="none", flip=True), IMAGES)(batch, KEY)
    flipped = (seen["image"] == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert ((seen["image"] == images).all(axis=(1, 2, 3)) | flipped).all() and 150 < flipped.sum() < 250
    assert (seen["label"] == batch["label"]).all()


def test_dequantized_images_are_spread_over_their_level():
    levels = np.arange(256).repeat(100).reshape(-1, 4, 8, 1)
    batch = {"image": jnp.float32(levels / 127.5 - 1), "index": jnp.arange(len(levels))}
    seen = preprocess.of_images(config_of(pair="none", dequantize=True), IMAGES)(batch, KEY)["image"]
    noise = (np.asarray(seen, np.float64) + 1) * 128 - levels
    assert noise.min() > -1e-4 and noise.max() < 1 + 1e-4
    assert noise.mean() == pytest.approx(0.5, abs=0.01) and noise.std() == pytest.approx(12**-0.5, abs=0.01)
    assert abs(np.corrcoef(noise[:, 0, 0, 0], noise[:, 0, 1, 0])[0, 1]) < 0.15
