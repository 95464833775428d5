"""Optimizers against optax's own, schedules against closed forms."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from playing import fields_of

from gan_jax import optimizers
from gan_jax.config import complete
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import Game, Turn
from gan_jax.keys import leaves
from gan_jax.optimizers import clip_weights, lazy_correction, learning_rate, make_optimizer, orthogonalize
from gan_jax.schedules import ema_decay


def config_of(**own):
    """What a config says of a player's optimizer."""
    return complete({"optimizers": {"default": own}}).optimizers.default


def made(config, *, correction=1.0, images_per_round=64):
    rate = learning_rate(config, images_per_round=images_per_round, correction=correction)
    return make_optimizer(config, rate, correction=correction)


def steps(optimizer, gradients, **extra):
    params = {"w": jnp.ones(3)}
    state = optimizer.init(params)
    for number, gradient in enumerate(gradients):
        updates, state = optimizer.update({"w": gradient}, state, params, **{k: v(number) for k, v in extra.items()})
        params = optax.apply_updates(params, updates)
    return params["w"]


GRADIENTS = [jnp.array([1.0, -2.0, 0.1]) * (i + 1) for i in range(5)]


def test_is_adam():
    ours = made(config_of())
    expected = steps(optax.adam(2e-4, b1=0.5, b2=0.999), GRADIENTS)
    np.testing.assert_allclose(steps(ours, GRADIENTS, step=jnp.asarray), expected, rtol=1e-6)


def test_lazy_correction_changes_rate_and_betas():
    c = 16 / 17
    ours = made(config_of(), correction=c)
    expected = steps(optax.adam(c * 2e-4, b1=0.5**c, b2=0.999**c), GRADIENTS)
    np.testing.assert_allclose(steps(ours, GRADIENTS, step=jnp.asarray), expected, rtol=1e-6)


@pytest.mark.parametrize("every, repeat, expected", [(16, 1, 16 / 17), (4, 1, 4 / 5), (10, 5, 50 / 51)])
def test_lazy_correction(every, repeat, expected):
    turns = (Turn("d", "d", None, repeat=repeat), Turn("r1", "d", None, every=every), Turn("g", "g", None))
    game = Game(None, turns, {})
    assert lazy_correction(game, "d") == pytest.approx(expected)
    assert lazy_correction(game, "g") == 1


def test_a_player_with_lazy_turns_only_is_not_corrected():
    assert lazy_correction(Game(None, (Turn("g", "g", None, every=2),), {}), "g") == 1


def test_schedules_do_not_overflow():
    late = jnp.int32(2**31 - 1)
    assert float(ema_decay(10, ramp_up=0.05, images_per_round=512)(late)) == pytest.approx(0.5 ** (512 / 10_000))


def test_clipping():
    ours = made(config_of(clip_norm=0.5))
    adam = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(2e-4, b1=0.5, b2=0.999))
    np.testing.assert_allclose(steps(ours, GRADIENTS, step=jnp.asarray), steps(adam, GRADIENTS), rtol=1e-6)


@pytest.mark.parametrize(
    "schedule, kimg, expected",
    [("constant", 77, 1), ("linear", 0, 1), ("linear", 50, 0.55), ("linear", 300, 0.1), ("cosine", 50, 0.55),
     ("cosine", 25, 0.1 + 0.9 * (1 + 0.5**0.5) / 2), ("cosine", 100, 0.1)],
)  # fmt: skip
def test_schedules_in_images(schedule, kimg, expected):
    config = config_of(learning_rate=3.0, schedule=schedule, decay_kimg=100.0, final=0.1)
    assert float(learning_rate(config, images_per_round=500)(2 * kimg)) == pytest.approx(3 * expected, rel=1e-5)


@pytest.mark.parametrize(
    "schedule, kimg, expected",
    [("linear", 0, 1), ("linear", 40, 1), ("linear", 90, 0.55), ("linear", 140, 0.1), ("linear", 300, 0.1),
     ("cosine", 40, 1), ("cosine", 65, 0.1 + 0.9 * (1 + 0.5**0.5) / 2), ("cosine", 140, 0.1), ("constant", 300, 1)],
)  # fmt: skip
def test_a_rate_is_held_before_it_falls(schedule, kimg, expected):
    changes = {"schedule": schedule, "hold_kimg": 40.0, "decay_kimg": 100.0, "final": 0.1}
    config = config_of(learning_rate=3.0, **changes)
    rate = learning_rate(config, images_per_round=500)
    assert float(rate(2 * kimg)) == pytest.approx(3 * expected, rel=1e-5)
    assert float(rate(jnp.int32(2 * kimg))) == pytest.approx(3 * expected, rel=1e-5)


def test_the_schedule_follows_rounds_not_updates():
    config = config_of(learning_rate=1.0, schedule="linear", decay_kimg=1.0)
    ours = made(config, images_per_round=500)  # after two rounds the rate is 0
    moved = [float(steps(ours, [jnp.ones(3)] * n, step=lambda i: jnp.array(2))[0]) for n in (1, 3)]
    assert moved == [1, 1]
    assert float(steps(ours, [jnp.ones(3)], step=lambda i: jnp.array(1))[0]) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize(
    "changes, message",
    [({"schedule": "lniear"}, "config.optimizers.default.schedule='lniear': must be one of constant, linear, cosine"),
     ({"schedule": "linear"}, "a linear schedule of the learning rate needs decay_kimg > 0")],
)  # fmt: skip
def test_bad_schedules_are_rejected(changes, message):
    with pytest.raises(UserError, match=message):
        learning_rate(config_of(**changes), images_per_round=64)


def test_ema_has_the_half_life_it_says():
    decay = ema_decay(10, ramp_up=1.0, images_per_round=50)
    late = jnp.array(10_000)
    assert float(decay(late) ** 200) == pytest.approx(0.5, rel=1e-4)  # 200 rounds of 50 images: 10 kimg


def test_ema_ramps_up():
    decay = ema_decay(10, ramp_up=0.05, images_per_round=100)
    assert float(decay(jnp.array(0))) == pytest.approx(0.5**20, rel=1e-3)  # half-life 0.05 rounds: nearly no memory
    assert float(decay(jnp.array(199))) == pytest.approx(0.5 ** (1 / 10), rel=1e-4)


def test_no_ema():
    assert float(ema_decay(0, ramp_up=0.05, images_per_round=64)(jnp.array(1000))) == 0
    assert jax.eval_shape(ema_decay(0, 0.05, 64), jnp.array(3)).shape == ()


def test_rmsprop():
    ours = made(config_of(name="rmsprop", decay=0.9, eps_in_sqrt=False, learning_rate=5e-5))
    small = [1e-6 * gradient for gradient in GRADIENTS]  # eps is beside the root, where it does not matter yet
    w, v = np.ones(3), np.zeros(3)
    for gradient in map(np.asarray, small):
        v = 0.9 * v + 0.1 * gradient**2
        w = w - 5e-5 * gradient / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(1 - steps(ours, small, step=jnp.asarray), 1 - w, rtol=1e-2)


OTHERS = {
    "adamw": {"b1": 0.8, "weight_decay": 0.1},
    "adafactor": {"min_dim_size_to_factor": 2, "multiply_by_parameter_scale": False},
    "amsgrad": {"b2": 0.5},
    "lion": {"b2": 0.9, "weight_decay": 0.1},
    "nadam": {"eps": 1e-3},
    "rmsprop": {"decay": 0.7, "eps": 1e-3, "centered": True, "momentum": 0.8},
    "sgd": {"momentum": 0.9, "nesterov": True},
    "sm3": {"momentum": 0.0},
    "yogi": {},
}
MATRIX = {"w": jax.random.normal(jax.random.key(0), (3, 4)), "b": jnp.ones(3)}


def path_of(optimizer, **extra):
    """Parameters after each of three updates."""
    params, state, seen = MATRIX, optimizer.init(MATRIX), []
    update = jax.jit(optimizer.update)
    for number in range(3):
        gradient = jax.tree.map(lambda p, n=number: jnp.cos(3 * p + n), params)
        updates, state = update(gradient, state, params, **{k: v(number) for k, v in extra.items()})
        params = optax.apply_updates(params, updates)
        seen.append(params)
    return seen


@pytest.mark.parametrize("name", OTHERS)
def test_other_optimizers_are_optax_s_own(name):
    ours = made(config_of(name=name, learning_rate=0.01, **OTHERS[name]))
    own = getattr(optax, name)(0.01, **OTHERS[name])
    chex.assert_trees_all_close(path_of(ours, step=jnp.asarray), path_of(own), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name, decay", [("adam", "b2"), ("lion", "b1"), ("rmsprop", "decay"), ("adan", "b3")])
def test_decays_of_moving_averages_are_corrected_whatever_their_names(name, decay):
    ours = made(config_of(name=name, learning_rate=0.01, **{decay: 0.8}), correction=0.5)
    others = {key: 0.5**0.5 for key in ("b1",) if name == "adam"}  # the library's own default
    others |= {
        key: value.default**0.5
        for key, value in inspect.signature(getattr(optax, name)).parameters.items()
        if key in ("b1", "b2", "b3") and key not in others
    }
    own = getattr(optax, name)(0.005, **{**others, decay: 0.8**0.5})
    chex.assert_trees_all_close(path_of(ours, step=jnp.asarray), path_of(own), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "adamw", "lion"])
def test_others_have_the_same_schedules_and_clipping(name):
    """After one of two kimg the rate is half of it."""
    config = {"schedule": "linear", "decay_kimg": 2.0, "clip_norm": 0.5}
    ours = made(config_of(name=name, learning_rate=0.02, **config), images_per_round=500)
    own = optax.chain(optax.clip_by_global_norm(0.5), getattr(optax, name)(0.01))
    found = path_of(ours, step=lambda number: jnp.int32(2))
    chex.assert_trees_all_close(found, path_of(own), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of optimistic_adam
@pytest.mark.parametrize("name", optimizers.names())
def test_any_optimizer_can_be_named(name):
    """All its keys have defaults, which are those of optax."""
    config = config_of(name=name)
    like = jax.eval_shape(getattr(optax, name)(0.1).init, MATRIX)
    found = jax.eval_shape(made(config).init, MATRIX)
    describe = lambda tree: [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(tree)]
    assert describe(found) == describe(like)
    for key, parameter in inspect.signature(getattr(optax, name)).parameters.items():
        if key in config and key != "learning_rate" and parameter.default is not None and (name, key) != ("adam", "b1"):
            assert config[key] == parameter.default


def test_which_optimizers_there_are():
    assert {"adam", "adamw", "adafactor", "lamb", "lion", "nadam", "radam", "rmsprop", "sgd"} < set(optimizers.names())
    assert not {"lbfgs", "noisy_sgd", "scale_by_adam", "chain", "contrib"} & set(optimizers.names())


@pytest.mark.parametrize(
    "own, message",
    [
        ({"name": "sdg"}, "optax has no optimizer 'sdg'; there are: .* rmsprop, sgd, "),
        ({"name": "scale_by_adam"}, "optax has no optimizer 'scale_by_adam'"),
        ({"b1": 1.0}, "config.optimizers.default.b1=1.0: must be between 0 and 0.999999999"),
        ({"eps": -1.0}, "config.optimizers.default.eps=-1.0: must be at least 0"),
        ({"name": "sgd", "b1": 0.5}, "config.optimizers.default.b1: there is no such key"),
        ({"name": "rmsprop", "b2": 0.9}, "config.optimizers.default.b2: there is no such key"),
    ],
)
def test_what_optax_does_not_have_is_rejected(own, message):
    with pytest.raises(UserError, match=message):
        config_of(**own)


# Players.


def test_a_player_is_as_the_default_but_for_what_it_says():
    default = {"learning_rate": 0.1, "b1": 0.3, "clip_norm": 2.0}
    config = complete({"optimizers": {"default": default, "discriminator": {"learning_rate": 0.5}}}).optimizers
    assert config.discriminator.to_dict() == {**config.default.to_dict(), "learning_rate": 0.5}
    assert config.default.b1 == 0.3 and "generator" not in config


def test_a_player_with_another_optimizer_has_the_defaults_of_that():
    default = {"learning_rate": 0.1, "b1": 0.3, "clip_norm": 2.0}
    config = complete({"optimizers": {"default": default, "discriminator": {"name": "adamw"}}}).optimizers
    own = config.discriminator
    assert (own.learning_rate, own.clip_norm, own.b1, own.weight_decay) == (0.1, 2.0, 0.9, 1e-4)


def test_players_move_by_their_own_optimizers(tiny):
    changes = {"optimizers.default": {"name": "sgd", "learning_rate": 0.5}}
    changes["optimizers.discriminator"] = {"name": "rmsprop", "learning_rate": 0.25}
    experiment = build(tiny(**changes), fields_of((2,)))
    states = experiment.state_shapes.opt_states
    assert not jax.tree.leaves(states["generator"])  # of plain SGD
    assert type(states["discriminator"][0]).__name__ == "ScaleByRmsState"
    assert {player: float(rate(0)) for player, rate in experiment.learning_rates.items()} == {
        "generator": 0.5, "discriminator": 0.25,
    }  # fmt: skip


def test_an_optimizer_of_nobody_is_an_error(tiny):
    config = tiny(**{"optimizers.genrator": {"learning_rate": 0.1}})
    with pytest.raises(UserError, match=r"config.optimizers.genrator: the game's players are discriminator, generator"):
        build(config, fields_of((2,)))


def test_keys_say_what_they_are():
    config = complete({"optimizers": {"generator": {"name": "lion"}}}).to_dict()
    known = {name: key for name, key, _ in leaves(optimizers.keys, config["optimizers"])}
    assert known["generator.b2"].default == 0.99 and known["default.b1"].default == 0.5
    assert all(key.doc for name, key in known.items())


# States: old checkpoints are read by these paths.


@pytest.mark.parametrize(
    "own, paths",
    [
        ({}, ["[0].count", "[0].mu['w']", "[0].nu['w']"]),
        ({"clip_norm": 1.0}, ["[1].count", "[1].mu['w']", "[1].nu['w']"]),
        ({"clip_norm": 1.0, "orthogonal": 0.1}, ["[2].count", "[2].mu['w']", "[2].nu['w']"]),
        ({"clip_weights": 0.1}, ["[0].count", "[0].mu['w']", "[0].nu['w']"]),
        ({"name": "rmsprop", "eps_in_sqrt": False, "clip_weights": 0.1}, ["[0].nu['w']"]),
        ({"name": "rmsprop", "orthogonal": 0.1}, ["[1].nu['w']"]),
    ],
)
def test_states_lie_where_they_did(own, paths):
    optimizer, params = made(config_of(**own)), {"w": jnp.ones(3)}
    _, after = optimizer.update(params, optimizer.init(params), params, step=jnp.int32(0))
    for state in (optimizer.init(params), after):
        leaves, _ = jax.tree_util.tree_flatten_with_path(state)
        assert [jax.tree_util.keystr(path) for path, _ in leaves] == paths


def test_clipped_weights_stay_within_their_limit():
    params = {"kernel": jnp.array([0.5, -0.009, 0.0])}
    transform = optax.chain(optax.sgd(1.0), clip_weights(0.01))
    updates, _ = transform.update({"kernel": jnp.array([0.0, 1.0, -0.004])}, transform.init(params), params)
    np.testing.assert_allclose(optax.apply_updates(params, updates)["kernel"], [0.01, -0.01, 0.004], atol=1e-8)


def test_orthogonalize_adds_the_gradient_of_the_regularizer():
    params = {"layer": {"kernel": jax.random.normal(jax.random.key(0), (4, 3)), "bias": jnp.ones(3)}}
    zero = jax.tree.map(jnp.zeros_like, params)
    transform = orthogonalize(0.5)
    updates, _ = transform.update(zero, transform.init(params), params)
    w = np.asarray(params["layer"]["kernel"])
    gram = w.T @ w * (1 - np.eye(3))  # d |gram|^2 / dW = 4 W gram, and half of it
    np.testing.assert_allclose(updates["layer"]["kernel"], 0.5 * 2 * w @ gram, rtol=1e-4)
    np.testing.assert_array_equal(updates["layer"]["bias"], np.zeros(3))


def test_the_order_of_all_its_parts():
    """The regularizer's gradient goes through Adam; weights are clipped last, after the step."""
    config = config_of(orthogonal=50.0, clip_weights=1.2, learning_rate=0.5)
    params = {"kernel": jnp.array([[1.0, 0.2], [0.3, -1.0], [0.1, 0.7]])}
    gradient = {"kernel": jnp.array([[0.5, -1.0], [2.0, 0.1], [-3.0, 1.0]])}
    ours = made(config)
    updates, _ = ours.update(gradient, ours.init(params), params, step=jnp.array(0))
    w = np.asarray(params["kernel"], np.float64)
    total = np.asarray(gradient["kernel"]) + 50 * 4 * w @ (w.T @ w * (1 - np.eye(2)))
    expected = np.clip(w - 0.5 * total / (np.abs(total) + 1e-8), -1.2, 1.2)  # Adam's first step
    assert np.abs(expected).max() == 1.2 and not np.array_equal(np.sign(total), np.sign(gradient["kernel"]))
    np.testing.assert_allclose(optax.apply_updates(params, updates)["kernel"], expected, atol=1e-5)
