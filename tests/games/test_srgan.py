"""SRGAN: warm-up, the frozen player, who moves whose statistics, and that it learns."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from translating import config_for, fields_of

from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import due, init_state, make_round, make_step
from gan_jax.games.srgan import make_game
from gan_jax.networks.patch import Discriminator
from gan_jax.networks.srresnet import Translator
from gan_jax.perceptual import open_perceptual, perceptual_distance
from gan_jax.preprocess import make_preprocess, superres

KEY, SHAPE = jax.random.key(1), (16, 16, 1)
SMALL, FIELDS = {"data.task": "superres", "data.factor": 2}, fields_of(SHAPE, (8, 8, 1))


def a_batch(seed=0, step=0):
    images = jax.random.uniform(jax.random.key(seed), (2, *SHAPE), minval=-1, maxval=1)
    inputs = superres(images, KEY, jnp.arange(2), factor=2)
    return {"image": images, "input": inputs, "index": jnp.arange(2), "step": jnp.int32(step)}


@functools.cache
def a_game(norm="none", warmup_kimg=0.0, **weights):
    config = config_for("srgan", weights, {"norm": norm}, {"norm": norm}, warmup_kimg=warmup_kimg, **SMALL)
    game = make_game(config, FIELDS)
    return game, jax.jit(game.init)(KEY)


def turns_of(game):
    return {turn.name: turn for turn in game.turns}


def terms(variables, batch):
    """The three differences, from the networks."""
    fake = Translator(SHAPE, factor=2, width=4, blocks=1, norm="none").apply(variables["generator"], batch["input"])
    logits = Discriminator(width=2, layers=1, norm="none").apply(variables["discriminator"], fake).logits
    seen = open_perceptual("classifier", 1)
    maps = (seen.maps(seen.params, images) for images in (fake, batch["image"]))
    return (
        jnp.mean((fake - batch["image"]) ** 2),
        jnp.mean(perceptual_distance(*maps)),
        jnp.mean(jax.nn.softplus(-logits)),
    )


def test_a_warm_up_is_a_turn_of_its_own():
    """Ten rounds of two images; it comes after the others, which keep their places and so their draws."""
    game, (plain, _) = a_game(warmup_kimg=0.02)[0], a_game()
    windows = lambda game: {turn.name: (turn.player, turn.first, turn.last) for turn in game.turns}
    discriminator = {"discriminator": ("discriminator", 0, None)}
    assert windows(plain) == {**discriminator, "generator": ("generator", 0, None)}
    others = {"generator": ("generator", 10, None), "warmup": ("generator", 0, 10)}
    assert windows(game) == {**discriminator, **others} and list(windows(game)) == [*windows(plain), "warmup"]
    assert {due(game, step) for step in range(10)} == {("discriminator", "warmup")}
    assert {due(game, step) for step in (10, 11, 1000)} == {("discriminator", "generator")}


@pytest.mark.parametrize("kimg, rounds", [(0.001, 1), (0.002, 1), (0.003, 2), (0.6, 300), (1.2, 600)])
def test_a_warm_up_is_counted_in_images(kimg, rounds):
    """Of two each; a part of a round is a round, and 0.6 and 1.2 kimg are not one more for being rounded."""
    config = config_for("srgan", {"perceptual": 0.0}, warmup_kimg=kimg, **SMALL)
    assert turns_of(make_game(config, FIELDS))["warmup"].last == rounds


def test_only_pixels_count_until_it_is_warm():
    game, variables = a_game(warmup_kimg=0.02)
    cold, warm = (jax.jit(turns_of(game)[name].loss)(variables, a_batch(), KEY) for name in ("warmup", "generator"))
    values = dict(zip(("pixel", "perceptual", "adversarial"), terms(variables, a_batch()), strict=True))
    np.testing.assert_allclose(cold[0], values["pixel"], rtol=1e-5)
    assert cold[1][1] == pytest.approx({"pixel": float(values["pixel"])}, rel=1e-5)
    together = values["pixel"] + 0.1 * values["perceptual"] + 0.1 * values["adversarial"]
    np.testing.assert_allclose(warm[0], together, rtol=1e-5)
    assert warm[1][1] == pytest.approx({name: float(value) for name, value in values.items()}, rel=1e-5)
    assert together > 1.05 * values["pixel"]


def test_only_pixels_move_the_generator_until_it_is_warm():
    game, variables = a_game(warmup_kimg=0.02)

    def gradient(loss):
        own = variables["generator"]
        with_params = lambda params: loss({**variables, "generator": {**own, "params": params}})
        return jax.jit(jax.grad(with_params))(own["params"])

    losses = [turns_of(game)[name].loss for name in ("warmup", "generator")]
    cold, warm = (gradient(lambda v, loss=loss: loss(v, a_batch(), KEY)[0]) for loss in losses)
    pixel = gradient(lambda v: terms(v, a_batch())[0])
    rest = gradient(lambda v: 0.1 * sum(terms(v, a_batch())[1:]))
    chex.assert_trees_all_close(cold, pixel, rtol=1e-4, atol=1e-6)
    chex.assert_trees_all_close(warm, jax.tree.map(jnp.add, pixel, rest), rtol=1e-4, atol=1e-5)
    assert optax.tree.norm(rest) > 1e-3


def test_after_a_warm_up_rounds_are_those_without_one():
    optimizers = {player: optax.sgd(0.05) for player in ("generator", "discriminator")}
    make = lambda game: jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.5), static_argnums=3)
    (game, _), (plain, _) = a_game(warmup_kimg=0.006), a_game()
    play, play_plain, state = make(game), make(plain), jax.jit(lambda: init_state(game, optimizers, KEY))()
    for step in range(5):
        batch = {name: leaf[None] for name, leaf in a_batch(step).items() if name != "step"}
        before, (state, metrics) = state, play(state, batch, KEY, due(game, step))
        assert {name.split("/")[0] for name in metrics} == {"discriminator", "warmup" if step < 3 else "generator"}
        expected, _ = play_plain(before, batch, KEY, due(plain, step))
        same = jax.tree.map(lambda a, b: bool((a == b).all()), state.variables, expected.variables)
        assert jax.tree.all(same["discriminator"]) and jax.tree.all(same["generator"]) == (step >= 3)


def test_the_discriminator_learns_from_the_start():
    game, variables = a_game(warmup_kimg=0.02)
    batch = a_batch()
    fake = Translator(SHAPE, factor=2, width=4, blocks=1, norm="none").apply(variables["generator"], batch["input"])
    network = Discriminator(width=2, layers=1, norm="none")
    on_real, on_fake = (network.apply(variables["discriminator"], x).logits for x in (batch["image"], fake))
    expected = jnp.mean(jax.nn.softplus(-on_real)) + jnp.mean(jax.nn.softplus(on_fake))
    value, (_, metrics) = game.turns[0].loss(variables, batch, KEY)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert metrics == {"real_accuracy": np.mean(on_real > 0), "fake_accuracy": np.mean(on_fake < 0)}
    assert (game.turns[0].first, game.turns[0].last) == (0, None)


def test_the_frozen_player_stays_as_it_was():
    game, _ = a_game()
    optimizers = {player: optax.adam(1e-2) for player in ("generator", "discriminator")}
    state = jax.jit(lambda: init_state(game, optimizers, KEY))()
    assert set(state.opt_states) == {"generator", "discriminator"}
    play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.5), static_argnums=3)
    later, seen = state, []
    for step in range(40):
        batch = {name: leaf[None] for name, leaf in a_batch(step % 4).items() if name != "step"}
        later, metrics = play(later, batch, KEY, ("discriminator", "generator"))
        seen.append(float(metrics["generator/pixel"]))
    chex.assert_trees_all_equal(later.variables["perceptual"], state.variables["perceptual"])
    chex.assert_trees_all_equal(later.variables["perceptual"], open_perceptual("classifier", 1).params)
    assert np.mean(seen[-4:]) < 0.9 * np.mean(seen[:4])


def test_batch_statistics_move_in_the_turn_of_their_player():
    game, _ = a_game("batch")
    optimizers = {player: optax.sgd(0.1) for player in ("generator", "discriminator")}
    state = jax.jit(lambda: init_state(game, optimizers, KEY))()
    for turn, other in zip(game.turns, ("generator", "discriminator"), strict=True):
        moved, _ = jax.jit(make_step(turn, optimizers[turn.player]))(state, a_batch(), KEY)
        chex.assert_trees_all_equal(moved.variables[other], state.variables[other])
        own = (s.variables[turn.player]["batch_stats"] for s in (moved, state))
        assert not any(jax.tree.leaves(jax.tree.map(lambda a, b: (a == b).all(), *own)))


def test_players_without_a_weight_are_left_out():
    game, variables = a_game(adversarial=0.0, perceptual=0.0)
    assert set(variables) == {"generator"} and [turn.name for turn in game.turns] == ["generator"]


@pytest.mark.parametrize("left_out", ["adversarial", "perceptual"])
def test_a_term_without_a_weight_is_left_out_with_its_player(left_out):
    weights = {"pixel": 2.0, "perceptual": 0.3, "adversarial": 0.2, left_out: 0.0}
    game, variables = a_game(**weights)
    assert [turn.name for turn in game.turns] == ["discriminator", "generator"][left_out == "adversarial" :]
    player = {"adversarial": "discriminator", "perceptual": "perceptual"}[left_out]
    assert set(variables) == {"generator", "discriminator", "perceptual"} - {player}
    value, (_, metrics) = game.turns[-1].loss(variables, a_batch(), KEY)
    each = dict(
        zip(("pixel", "perceptual", "adversarial"), terms({**a_game()[1], **variables}, a_batch()), strict=True)
    )
    del weights[left_out]
    np.testing.assert_allclose(value, sum(weight * each[name] for name, weight in weights.items()), rtol=1e-5)
    assert set(metrics) == set(weights)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_samples_are_larger_by_the_factor(factor):
    config = config_for("srgan", **{**SMALL, "data.factor": factor, "data.crop": 8})
    fields = fields_of((16, 24, 3), (16 // factor, 24 // factor, 3))
    crops, experiment = make_preprocess(config.data, fields), build(config, fields)
    assert crops.shape == (8, 8, 3) and crops.input_shape == (8 // factor, 8 // factor, 3)
    given, ((field,), makes, apply) = jnp.zeros((2, 5, 3, 3)), experiment.game.maps["ab"]
    assert (field, makes) == ("input", "image")
    made = jax.eval_shape(apply, experiment.state_shapes.variables, KEY, jnp.arange(2), {field: given})
    assert made.shape == (2, 5 * factor, 3 * factor, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"terms.mse": {}}, "config.terms.mse: there is no such term in this game; there are: pixel, perceptual"),
        ({"terms.perceptual.features": "vgg"}, "features=vgg: must be one of vgg19:FILE.pth, classifier"),
        ({"terms.perceptual.features": "vgg19:nowhere.pth"}, "nowhere.pth"),
        ({"networks.generator": {"name": "unet"}}, "config.networks.generator.name=unet: it has no factor"),
        ({"data.factor": 3}, "config.data.factor=3: must be 2, 4 or 8"),
        ({"data.paired": False}, "learns from pairs"),
        ({"warmup_kimg": -1.0}, "config.warmup_kimg=-1.0: must be at least 0"),
        ({"weights": {"pixel": 0}, "warmup_kimg": 1.0}, "the generator learns from nothing"),
        ({"weights": {"pixel": 0, "perceptual": 0, "adversarial": 0}}, "the generator learns from nothing"),
    ],
)
def test_what_it_does_not_have_is_rejected(changes, message):
    with pytest.raises(UserError, match=message):
        build(config_for("srgan", **{**SMALL, **changes}), FIELDS)
