"""What the discriminator sees, in both turns; ADA's control on one device and on several, or by a schedule."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict
from playing import KEY, sampled, start, turn_values

from gan_jax import augment, losses
from gan_jax.augmentation import KEYS, make_augmentation
from gan_jax.data import prepare
from gan_jax.errors import UserError
from gan_jax.game import due, make_round
from gan_jax.keys import complete

IMAGES, INDEX = jax.random.uniform(jax.random.key(0), (4, 8, 8, 3), minval=-1, maxval=1), jnp.arange(4)


def made(batch_size=8, **changes):
    return make_augmentation(ConfigDict(complete(KEYS, changes)), batch_size)


def test_none_shows_images_as_they_are():
    none = made()
    assert none.apply(IMAGES, KEY, INDEX, {}, 0.0) is IMAGES
    assert none.memory == {} and none.update({}, jnp.ones(4)) == ({}, {})


def test_diffaugment_is_that_of_its_policy():
    expected = augment.diffaugment(IMAGES, KEY, INDEX, policy="color")
    found = made(name="diffaugment", policy="color")
    chex.assert_trees_all_equal(found.apply(IMAGES, KEY, INDEX, {}, 0.0), expected)
    assert found.memory == {} and found.update({}, jnp.ones(4)) == ({}, {})


def test_ada_augments_as_often_as_it_remembers():
    found = made(name="ada", policy="b", target=0.5, speed_kimg=1.0)
    chex.assert_trees_all_equal(found.memory, {"augment": augment.ada_init()})
    memory = {"p": jnp.float32(0.7), "signs": jnp.float32(4), "turns": jnp.float32(4)}
    seen = found.apply(IMAGES, KEY, INDEX, {"augment": memory}, 0.0)
    chex.assert_trees_all_equal(seen, augment.ada(IMAGES, KEY, INDEX, 0.7, pipe="b"))
    margins = jnp.array([1.0, -1.0, 1.0, 1.0])
    updates, metrics = found.update({"augment": memory}, margins)
    expected = augment.ada_update(memory, margins, batch_size=8, target=0.5, speed_kimg=1.0)
    chex.assert_trees_all_equal(updates, {"augment": expected})
    assert metrics == {"p": memory["p"]} and expected["p"] > 0.7


@pytest.mark.parametrize("name, policy, message", [
    ("diffaugment", "bgc", "must list some of color, translation, cutout"),
    ("ada", "color,translation,cutout", "must be some of the letters"),
])  # fmt: skip
def test_a_policy_that_there_is_not(name, policy, message):
    with pytest.raises(UserError, match=message):
        made(name=name, policy=policy)


def test_adaptive_augmentation_is_remembered_by_the_discriminator(tiny):
    """Least squares, whose boundary is 1/2: a discriminator that says 0 of all takes no real image for real."""
    changes = {"augment.name": "ada", "augment.policy": "bgc", "augment.speed_kimg": 0.01, "loss": "least_squares"}
    game, optimizers, state = start(tiny(**changes), (8, 8, 1))
    play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.98), static_argnums=3)
    batch = {"image": np.zeros((1, 16, 8, 8, 1), np.float32), "index": np.arange(16, dtype=np.int32)[None]}
    for step in range(9):
        state, metrics = play(state, prepare({}, batch, {}), KEY, due(game, step))
    memory = state.variables["discriminator"]["augment"]
    assert set(memory) == {"p", "signs", "turns"} and float(memory["turns"]) == 1  # of four, after nine
    assert 0 <= float(metrics["discriminator/p"]) <= 1


@pytest.mark.parametrize("policy, name", [("color,translation,cutout", "diffaugment"), ("bgc", "ada")])
def test_real_and_fake_images_are_augmented(tiny, monkeypatch, policy, name):
    """Each sort in each turn: an augmentation that adds 1 leaves its mark on both logits."""
    monkeypatch.setattr(augment, name, lambda images, *rest, **settings: images + 1)
    changes = {"augment.name": name, "augment.policy": policy, "augment.target": 0.0, "augment.p": 1.0}
    game, variables, batch, values = turn_values(tiny(**changes, loss="relativistic"), shape=(8, 8, 1))
    real = game.discriminate(variables, batch["image"] + 1)
    for turn, key in (("discriminator", jax.random.split(KEY)[0]), ("generator", KEY)):
        fake = game.discriminate(variables, sampled(game, variables, key, batch["index"]) + 1)
        expected = getattr(losses.relativistic, turn)(real, fake).mean()
        assert float(values[turn][0]) == pytest.approx(float(expected), rel=1e-5)


def test_an_augmentation_without_a_target_rises_to_its_probability(tiny, monkeypatch):
    """R3GAN's schedule, half of a cosine: p = 0, p / 2 in the middle, p from there on."""
    seen = []
    monkeypatch.setattr(augment, "ada", lambda images, key, index, p, **settings: (seen.append(float(p)), images)[1])
    changes = {"augment.name": "ada", "augment.policy": "b", "augment.target": 0.0, "augment.p": 0.6}
    config = tiny(**changes, **{"augment.speed_kimg": 0.16})
    game, variables, batch, _ = turn_values(config, shape=(8, 8, 1))
    seen.clear()
    for step in (0, 5, 10, 99):  # 16 images each
        game.turns[0].loss(variables, {**batch, "step": step}, KEY)
    np.testing.assert_allclose(seen[::2], [0, 0.3, 0.6, 0.6], atol=1e-6)


# ADA's control.


@jax.jit
def update(state, logits):
    return augment.ada_update(state, logits, batch_size=8, interval=4, speed_kimg=1.0)


def repeated(state, turns, logits):
    for _ in range(turns):
        state = update(state, jnp.asarray(logits, jnp.float32))
    return state


def test_p_rises_when_the_discriminator_is_confident_and_falls_when_not():
    state = repeated(augment.ada_init(), 41, np.ones(8))
    assert state["p"] == pytest.approx(40 * 8 / 1000)  # p moves by the images of whole intervals, one turn late
    state = repeated(state, 21, [1, 1, 1, 1, 1, 1, -1, -1])  # r_t = 0.5 < 0.6
    assert 0 < state["p"] < 40 * 8 / 1000
    assert repeated(state, 100, -np.ones(8))["p"] == 0
    assert repeated(state, 200, np.ones(8))["p"] == 1


def test_a_move_takes_the_signs_of_one_interval():
    state = augment.ada_init()
    for confident, turns, p in ((True, 4, 0), (False, 4, 32), (True, 4, 0), (True, 4, 32), (True, 1, 64)):
        state = repeated(state, turns, np.full(8, 1.0 if confident else -1.0))
        assert state["p"] == pytest.approx(p / 1000)
    assert (state["signs"], state["turns"]) == (1, 1)


def test_averaged_states_of_two_devices_are_the_state_of_one():
    rng = np.random.default_rng(0)
    one, two, path = augment.ada_init(), augment.ada_init(), []
    for _ in range(60):
        logits = jnp.asarray(rng.normal(rng.normal(0.85, 0.5), 1, 8), jnp.float32)
        one = update(one, logits)
        halves = [update(two, half) for half in (logits[:4], logits[4:])]
        two = jax.tree.map(lambda *leaves: sum(leaves) / 2, *halves)
        for name, value in one.items():
            np.testing.assert_allclose(two[name], value, atol=1e-6)
        path.append(float(one["p"]))
    assert {-1, 1} <= set(np.sign(np.diff(path)))
