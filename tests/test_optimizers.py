"""Optimizers and schedules against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax.errors import UserError
from gan_jax.game import Game, Turn
from gan_jax.optimizers import (
    clip_weights,
    ema_decay,
    lazy_correction,
    learning_rate,
    make_optimizer,
    orthogonalise,
)


def adam_config(tiny, **changes):
    config = tiny().optimizers.generator
    config.update(changes)
    return config


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


def test_is_adam(tiny):
    ours = made(adam_config(tiny))
    expected = steps(optax.adam(2e-4, b1=0.5, b2=0.999), GRADIENTS)
    np.testing.assert_allclose(steps(ours, GRADIENTS, step=jnp.asarray), expected, rtol=1e-6)


def test_lazy_correction_changes_rate_and_betas(tiny):
    c = 16 / 17
    ours = made(adam_config(tiny), correction=c)
    expected = steps(optax.adam(c * 2e-4, b1=0.5**c, b2=0.999**c), GRADIENTS)
    np.testing.assert_allclose(steps(ours, GRADIENTS, step=jnp.asarray), expected, rtol=1e-6)


@pytest.mark.parametrize("every, repeat, expected", [(16, 1, 16 / 17), (4, 1, 4 / 5), (10, 5, 50 / 51)])
def test_lazy_correction(every, repeat, expected):
    turns = (Turn("d", "d", None, repeat=repeat), Turn("r1", "d", None, every=every), Turn("g", "g", None))
    game = Game(None, turns, None)
    assert lazy_correction(game, "d") == pytest.approx(expected)
    assert lazy_correction(game, "g") == 1


def test_a_player_with_lazy_turns_only_is_not_corrected():
    assert lazy_correction(Game(None, (Turn("g", "g", None, every=2),), None), "g") == 1


def test_schedules_do_not_overflow():
    late = jnp.int32(2**31 - 1)
    assert float(ema_decay(10, ramp_up=0.05, images_per_round=512)(late)) == pytest.approx(0.5 ** (512 / 10_000))


def test_clipping(tiny):
    ours = made(adam_config(tiny, clip_norm=0.5))
    adam = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(2e-4, b1=0.5, b2=0.999))
    np.testing.assert_allclose(steps(ours, GRADIENTS, step=jnp.asarray), steps(adam, GRADIENTS), rtol=1e-6)


@pytest.mark.parametrize(
    "decay, kimg, expected",
    [("constant", 77, 1), ("linear", 0, 1), ("linear", 50, 0.55), ("linear", 300, 0.1), ("cosine", 50, 0.55),
     ("cosine", 25, 0.1 + 0.9 * (1 + 0.5**0.5) / 2), ("cosine", 100, 0.1)],
)  # fmt: skip
def test_schedules_in_images(tiny, decay, kimg, expected):
    config = adam_config(tiny, learning_rate=3.0, decay=decay, decay_kimg=100.0, final=0.1)
    assert float(learning_rate(config, images_per_round=500)(2 * kimg)) == pytest.approx(3 * expected, rel=1e-5)


@pytest.mark.parametrize(
    "decay, kimg, expected",
    [("linear", 0, 1), ("linear", 40, 1), ("linear", 90, 0.55), ("linear", 140, 0.1), ("linear", 300, 0.1),
     ("cosine", 40, 1), ("cosine", 65, 0.1 + 0.9 * (1 + 0.5**0.5) / 2), ("cosine", 140, 0.1), ("constant", 300, 1)],
)  # fmt: skip
def test_a_rate_is_held_before_it_falls(tiny, decay, kimg, expected):
    changes = {"decay": decay, "hold_kimg": 40.0, "decay_kimg": 100.0, "final": 0.1}
    config = adam_config(tiny, learning_rate=3.0, **changes)
    rate = learning_rate(config, images_per_round=500)
    assert float(rate(2 * kimg)) == pytest.approx(3 * expected, rel=1e-5)
    assert float(rate(jnp.int32(2 * kimg))) == pytest.approx(3 * expected, rel=1e-5)


def test_the_schedule_follows_rounds_not_updates(tiny):
    config = adam_config(tiny, learning_rate=1.0, decay="linear", decay_kimg=1.0)
    ours = made(config, images_per_round=500)  # after two rounds the rate is 0
    moved = [float(steps(ours, [jnp.ones(3)] * n, step=lambda i: jnp.array(2))[0]) for n in (1, 3)]
    assert moved == [1, 1]
    assert float(steps(ours, [jnp.ones(3)], step=lambda i: jnp.array(1))[0]) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("changes, message", [({"decay": "lniear"}, "lniear"), ({"decay": "linear"}, "decay_kimg")])
def test_bad_schedules_are_refused(tiny, changes, message):
    with pytest.raises(UserError, match=message):
        learning_rate(adam_config(tiny, **changes), images_per_round=64)


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


def test_rmsprop(tiny):
    ours = made(adam_config(tiny, name="rmsprop", b2=0.9, learning_rate=5e-5))
    small = [1e-6 * gradient for gradient in GRADIENTS]  # eps is beside the root, where it does not matter yet
    w, v = np.ones(3), np.zeros(3)
    for gradient in map(np.asarray, small):
        v = 0.9 * v + 0.1 * gradient**2
        w = w - 5e-5 * gradient / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(1 - steps(ours, small, step=jnp.asarray), 1 - w, rtol=1e-2)


def test_unknown_optimizers_are_refused(tiny):
    with pytest.raises(UserError, match="'sdg' is neither adam nor rmsprop"):
        made(adam_config(tiny, name="sdg"))


def test_clipped_weights_stay_within_their_limit():
    params = {"kernel": jnp.array([0.5, -0.009, 0.0])}
    transform = optax.chain(optax.sgd(1.0), clip_weights(0.01))
    updates, _ = transform.update({"kernel": jnp.array([0.0, 1.0, -0.004])}, transform.init(params), params)
    np.testing.assert_allclose(optax.apply_updates(params, updates)["kernel"], [0.01, -0.01, 0.004], atol=1e-8)


def test_orthogonalise_adds_the_gradient_of_the_regulariser():
    params = {"layer": {"kernel": jax.random.normal(jax.random.key(0), (4, 3)), "bias": jnp.ones(3)}}
    zero = jax.tree.map(jnp.zeros_like, params)
    transform = orthogonalise(0.5)
    updates, _ = transform.update(zero, transform.init(params), params)
    w = np.asarray(params["layer"]["kernel"])
    gram = w.T @ w * (1 - np.eye(3))  # d |gram|^2 / dW = 4 W gram
    np.testing.assert_allclose(updates["layer"]["kernel"], 0.5 * 4 * w @ gram, rtol=1e-4)
    np.testing.assert_array_equal(updates["layer"]["bias"], np.zeros(3))


def test_the_order_of_all_its_parts(tiny):
    """The regulariser's gradient goes through Adam; weights are clipped last, after the step."""
    config = adam_config(tiny, orthogonal=50.0, clip_weights=1.2, learning_rate=0.5)
    params = {"kernel": jnp.array([[1.0, 0.2], [0.3, -1.0], [0.1, 0.7]])}
    gradient = {"kernel": jnp.array([[0.5, -1.0], [2.0, 0.1], [-3.0, 1.0]])}
    ours = made(config)
    updates, _ = ours.update(gradient, ours.init(params), params, step=jnp.array(0))
    w = np.asarray(params["kernel"], np.float64)
    total = np.asarray(gradient["kernel"]) + 50 * 4 * w @ (w.T @ w * (1 - np.eye(2)))
    expected = np.clip(w - 0.5 * total / (np.abs(total) + 1e-8), -1.2, 1.2)  # Adam's first step
    assert np.abs(expected).max() == 1.2 and not np.array_equal(np.sign(total), np.sign(gradient["kernel"]))
    np.testing.assert_allclose(optax.apply_updates(params, updates)["kernel"], expected, atol=1e-5)
