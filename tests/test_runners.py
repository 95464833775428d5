"""jit, pmap and mesh play the same game; two processes play it as one."""

import functools

import chex
import jax
import numpy as np
import optax
import pytest
from tiny import get_config

from gan_jax.errors import UserError
from gan_jax.game import due, init_state, make_round
from gan_jax.games.adversarial import make_game
from gan_jax.runners import make_runner, prepare


@functools.cache
def played(name, devices, norm="none", resident=True):
    """The state after three rounds with SGD (Adam would turn a rounded zero into a full step)."""
    changes = {f"networks.{player}.{key}": value for player in ("generator", "discriminator")
               for key, value in (("norm", norm), ("depth", 1))}  # fmt: skip
    if norm == "none":
        changes["penalty.name"] = "gradient_penalty"
    config = get_config(**changes)
    game = make_game(config, (4, 4, 1), 0)
    optimizers = {"generator": optax.sgd(0.05), "discriminator": optax.sgd(0.05)}
    runner = make_runner(name, devices)
    run = runner.compile(make_round(game, optimizers, ema_decay=lambda step: 0.9, axis_name=runner.axis_name))
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (32, 4, 4, 1), np.uint8), np.zeros(32, np.int32)
    data = runner.replicate({"image": images, "label": labels}) if resident else {}
    state = runner.replicate(jax.jit(lambda: init_state(game, optimizers, jax.random.key(0)))())
    for step in range(3):
        rows = rng.integers(0, 32, (1, 16)).astype(np.int32)
        batch = {"row": rows} if resident else {"image": images[rows], "label": labels[rows]}
        batch["index"] = np.arange(16, dtype=np.int32)[None]
        state, metrics = run(state, data, runner.split(batch), np.uint32(0), due(game, step))
        jax.block_until_ready(state)  # two cores, four devices: one round in flight at a time
    return jax.device_get((state, metrics))


@pytest.mark.parametrize("name, devices", [("pmap", 2), ("pmap", 4), ("mesh", 2), ("mesh", 4)])
def test_all_runners_give_the_same_state(name, devices):
    chex.assert_trees_all_close(played(name, devices), played("jit", 1), rtol=2e-5, atol=2e-6)


def test_streamed_images_give_the_same_state_as_resident_ones():
    chex.assert_trees_all_equal(played("jit", 1, resident=False), played("jit", 1))


def test_batch_normalisation_sees_the_global_batch_under_mesh_and_the_devices_under_pmap():
    one = played("jit", 1, norm="batch")[0].variables
    chex.assert_trees_all_close(played("mesh", 2, norm="batch")[0].variables, one, rtol=1e-4, atol=1e-5)
    with pytest.raises(AssertionError):
        chex.assert_trees_all_close(played("pmap", 2, norm="batch")[0].variables, one, rtol=1e-4, atol=1e-5)


def test_auto():
    assert (make_runner("auto", 1).name, make_runner("auto", 1).devices) == ("jit", 1)
    assert (make_runner("auto").name, make_runner("auto").devices) == ("pmap", 4)
    assert make_runner("jit").devices == 1


@pytest.mark.parametrize(
    "name, devices, message",
    [("auto", 5, "this host has 4"), ("pmap", 0, "this host has 4"), ("jit", 2, "one device"), ("tpu", 1, "there are")],
)
def test_impossible_runners_are_refused(name, devices, message):
    with pytest.raises(UserError, match=message):
        make_runner(name, devices)


def test_prepare():
    images = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1) * 23
    row = np.array([[2, 0]])
    batch = prepare({"image": images, "label": np.array([5, 6, 7])}, {"row": row, "index": row})
    np.testing.assert_allclose(batch["image"][0, 0], images[2] / 127.5 - 1, rtol=1e-6)
    assert batch["label"].tolist() == [[7, 5]]
    points = np.full((1, 2, 2), 3.5, np.float32)
    np.testing.assert_array_equal(prepare({}, {"image": points, "index": row})["image"], points)
