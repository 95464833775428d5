"""The adversarial game: its losses from its logits, its samples, and that it learns."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import losses
from gan_jax.game import due, init_state, make_round
from gan_jax.games.adversarial import make_game
from gan_jax.optimizers import make_optimizer
from gan_jax.runners import prepare

KEY = jax.random.key(1)


def start(config, shape=(2,), num_classes=0):
    game = make_game(config, shape, num_classes)
    rate = lambda step: config.optimizers.generator.learning_rate
    optimizers = {player: make_optimizer(own, rate) for player, own in config.optimizers.items()}
    return game, optimizers, jax.jit(lambda key: init_state(game, optimizers, key))(KEY)


@pytest.mark.parametrize("name", losses.__all__)
def test_discriminator_turn_is_the_loss_on_its_logits(tiny, name):
    """A generator that makes one point whatever its noise, so that both sorts of logits are known."""
    config = tiny(loss=name)
    game, _, state = start(config)
    generator = jax.tree.map(jnp.zeros_like, state.variables["generator"])
    variables = {**state.variables, "generator": generator}
    real = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    value, (_, metrics) = game.turns[0].loss(variables, {"image": real, "index": jnp.arange(6)}, KEY)
    real_logits, fake_logits = game.judge(variables, real), game.judge(variables, jnp.zeros((6, 2)))
    loss = getattr(losses, name)
    assert float(value) == pytest.approx(float(loss.discriminator(real_logits, fake_logits).mean()), rel=1e-5)
    boundary = loss.boundary(real_logits, fake_logits)
    assert metrics["real_right"] == np.mean(real_logits > boundary)
    assert metrics["fake_right"] == np.mean(fake_logits < boundary)
    value, _ = game.turns[1].loss(variables, {"image": real, "index": jnp.arange(6)}, KEY)
    assert float(value) == pytest.approx(float(loss.generator(real_logits, fake_logits).mean()), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("every", [1, 4])
def test_eager_and_lazy_penalty_are_the_same_force(tiny, every):
    """Lazily the penalty is `every` times as strong, every `every` rounds."""
    changes = {"penalty.name": "r1", "penalty.weight": 3.0, "penalty.every": every}
    game, _, state = start(tiny(**changes))
    batch = {"image": np.ones((6, 2), np.float32), "index": jnp.arange(6)}
    plain, _, _ = start(tiny())
    if every == 1:
        force = game.turns[0].loss(state.variables, batch, KEY)[0] - plain.turns[0].loss(state.variables, batch, KEY)[0]
    else:
        force = game.turns[1].loss(state.variables, batch, KEY)[0] / every
    gradient = jax.grad(lambda x: game.judge(state.variables, x).sum())(batch["image"])
    np.testing.assert_allclose(force, 3.0 / 2 * np.mean(np.sum(gradient**2, axis=-1)), rtol=1e-3)


def test_a_sample_is_the_same_however_many_are_drawn(tiny):
    game, _, state = start(tiny(**{"networks.generator.norm": "batch"}))
    all_ten = game.sample(state.variables, KEY, jnp.arange(10))
    np.testing.assert_allclose(game.sample(state.variables, KEY, jnp.arange(7, 10)), all_ten[7:], rtol=1e-5)
    assert len(np.unique(np.asarray(all_ten), axis=0)) == 10


def test_a_conditional_game_uses_its_labels(tiny):
    game, _, state = start(tiny(), num_classes=3)
    made = [game.sample(state.variables, KEY, jnp.arange(4), jnp.full(4, label)) for label in range(3)]
    assert not np.allclose(made[0], made[1]) and not np.allclose(made[1], made[2])


def test_samples_are_decoded_latents(tiny):
    game, _, state = start(tiny(), num_classes=3)
    index, labels = jnp.arange(4), jnp.array([0, 1, 2, 0])
    decoded = game.decode(state.variables, game.latents(KEY, index), labels)
    np.testing.assert_array_equal(decoded, game.sample(state.variables, KEY, index, labels))


def test_it_learns_a_shifted_gaussian(tiny):
    """A whole game: noise around the origin moves onto a blob around (2, -1) with deviation 0.5."""
    changes = {"penalty.name": "r1", "penalty.weight": 0.5, "networks.latent_size": 2}
    for player in ("generator", "discriminator"):
        changes |= {f"optimizers.{player}.learning_rate": 5e-3, f"networks.{player}.width": 32}
    game, optimizers, state = start(tiny(**changes))
    play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.98), static_argnums=3, donate_argnums=0)
    rng = np.random.default_rng(0)
    for step in range(800):
        real = np.array([2, -1]) + 0.5 * rng.normal(size=(1, 64, 2))
        batch = {"image": real.astype(np.float32), "index": np.arange(64, dtype=np.int32)[None]}
        state, _ = play(state, prepare({}, batch), KEY, due(game, step))
    variables = {"generator": {"params": state.ema["generator"]}}
    made = np.asarray(game.sample(variables, KEY, jnp.arange(2000)))
    np.testing.assert_allclose(made.mean(axis=0), [2, -1], atol=0.2)
    np.testing.assert_allclose(made.std(axis=0), [0.5, 0.5], atol=0.2)
