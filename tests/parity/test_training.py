"""Averages of parameters and optimizers, against the training loop of StyleGAN2-ADA and PyTorch."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import cli
from gan_jax.config import complete
from gan_jax.game import Game, Turn, due, init_state, make_round
from gan_jax.optimizers import lazy_correction, learning_rate, make_optimizer
from gan_jax.schedules import ema_decay
from parity.fixtures import load

THEIRS = load("training")


def test_average_with_ramp_up():
    """Ours counts the images of the running round too: it is a round ahead while the half-life grows."""
    decay, theirs = ema_decay(10.0, ramp_up=4.0, images_per_round=64), THEIRS["decays"]
    ours = np.array([decay(step) for step in range(len(theirs))])
    np.testing.assert_allclose(ours[:-1], theirs[1:], rtol=1e-6)
    assert theirs[0] == 0 and theirs[-2] == theirs[-1] == pytest.approx(0.5 ** (64 / 10_000))
    average = jnp.zeros(3)
    for parameters, share, expected in zip(THEIRS["parameters"], theirs, THEIRS["averages"], strict=True):
        average = optax.incremental_update(jnp.asarray(parameters), average, 1 - share)
        np.testing.assert_allclose(average, expected, atol=1e-6)


def optimizer_of(own, game, player):
    correction = lazy_correction(game, player)
    rate = learning_rate(own, images_per_round=64, correction=correction)
    return make_optimizer(own, rate, correction=correction)


def test_adam_with_a_lazy_term():
    """The rate and both betas are corrected, and the lazy loss is as many times as large."""
    a = jnp.asarray(THEIRS["lazy_a"])

    def turn(formula, every):
        loss = lambda variables, batch, key: (every * jnp.sum(formula(variables["player"]["params"])), ({}, {}))
        return Turn(f"every_{every}", "player", loss, every=every)

    turns = (turn(lambda x: (x - a) ** 2 / 2, 1), turn(lambda x: x**4 / 4, 4))
    game = Game(lambda key: {"player": {"params": jnp.asarray(THEIRS["lazy_x"])}}, turns, {}, averaged=())
    config = complete({"optimizers": {"default": {"learning_rate": 0.05, "b1": 0.5, "b2": 0.99}}})
    optimizers = {"player": optimizer_of(config.optimizers.default, game, "player")}
    play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.0), static_argnums=3)
    state, batch = init_state(game, optimizers, jax.random.key(0)), {"index": jnp.zeros((1, 1), jnp.int32)}
    for number, expected in enumerate(THEIRS["lazy_path"]):
        state, _ = play(state, batch, jax.random.key(0), due(game, number))
        np.testing.assert_allclose(state.variables["player"]["params"], expected, atol=2e-6)


@pytest.mark.parametrize("name, config", [("adam", "facades_pix2pix"), ("adam_0", "sngan"), ("rmsprop", "wgan")])
def test_optimizers(name, config):
    """Those of configs, at a constant rate, from the same gradients, down to 1e-8 of which epsilon is no small part."""
    own = cli.load_config(config).optimizers.default
    own = complete({"optimizers": {"default": {**own, "schedule": "constant"}}}).optimizers.default
    optimizer, x = make_optimizer(own, lambda step: own.learning_rate), jnp.zeros(4)
    update, state = jax.jit(partial(optimizer.update, step=0)), optimizer.init(x)
    for gradient, expected in zip(THEIRS["gradients"], THEIRS[name], strict=True):
        updates, state = update(jnp.asarray(gradient), state, x)
        x = optax.apply_updates(x, updates)
        np.testing.assert_allclose(x, expected, rtol=1e-4, atol=1e-9)
