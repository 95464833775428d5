"""VAE/GAN, VAE and BiGAN: losses from the formulas, who learns from what, and that they learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from playing import fields_of
from tiny import changed

from gan_jax import config_for
from gan_jax.data.sources.ring import open_source
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import due, make_round
from gan_jax.games import bigan, vae, vae_gan
from gan_jax.networks.mlp import Discriminator, Encoder, Generator
from gan_jax.noise import per_example

KEY, SIZE, WIDTH, N = jax.random.key(1), 3, 8, 6
GAMES = {"vae_gan": vae_gan, "vae": vae, "bigan": bigan}
NETWORKS = {"width": WIDTH, "depth": 1}


def config_of(game, **changes):
    config = config_for(game)
    players = [player for player in ("encoder", "generator", "discriminator") if player in config.networks]
    for player in players:
        config.networks[player] = {"name": "mlp", **NETWORKS}
    if game == "bigan":
        config.networks.discriminator.conditioning = "concat"
    return changed(config, {"networks.latent_size": SIZE, **changes})


def start(config):
    game = GAMES[config.game].make_game(config, fields_of((2,)))
    return game, jax.jit(game.init)(KEY)


def a_batch(seed=0):
    examples = np.random.default_rng(seed).normal(size=(N, 2)).astype(np.float32)
    return {"image": jnp.asarray(examples), "index": jnp.arange(N), "step": jnp.int32(0)}


def turn(game, player):
    """The loss of a player, compiled."""
    return jax.jit(next(each.loss for each in game.turns if each.player == player))


def parts(variables, batch):
    """What the networks compute, called one by one: {name: array}."""
    generator, discriminator, keys = Generator((2,), **NETWORKS), Discriminator(**NETWORKS), jax.random.split(KEY)
    found = Encoder(2 * SIZE, **NETWORKS).apply(variables["encoder"], batch["image"])
    mean, log_variance = np.split(np.asarray(found, np.float64), 2, axis=1)
    draw = lambda number: np.asarray(per_example(jax.random.normal, keys[number], batch["index"], (SIZE,)))
    make = lambda z: generator.apply(variables["generator"], jnp.float32(z))
    fake, sampled = make(mean + np.exp(log_variance / 2) * draw(0)), make(draw(1))
    found = {"mean": mean, "log_variance": log_variance, "real": batch["image"], "fake": fake}
    if "discriminator" in variables:
        own = [discriminator.apply(variables["discriminator"], x) for x in (batch["image"], fake, sampled)]
        found |= {"logits": [each.logits for each in own], "features": [each.features for each in own]}
    return jax.tree.map(lambda x: np.asarray(x, np.float64), found)


def half_squares(a, b):
    return 0.5 * np.mean(np.sum((a - b) ** 2, axis=1))


def divergence(p):
    variance = np.exp(p["log_variance"])
    return np.mean(np.sum(0.5 * (variance + p["mean"] ** 2 - 1 - np.log(variance)), axis=1))


def softplus(x):
    return np.log1p(np.exp(x))


def test_the_losses_of_vae_gan_are_those_of_the_paper():
    weights = {"terms.features.weight": 2.0, "terms.features.generator_weight": 0.3, "terms.kl.weight": 0.7}
    game, variables = start(config_of("vae_gan", **weights))
    batch = a_batch()
    p = parts(variables, batch)
    features = half_squares(p["features"][0], p["features"][1])
    real, reconstructed, sampled = p["logits"]
    fakes = np.concatenate([reconstructed, sampled])
    values = {player: turn(game, player)(variables, batch, KEY) for player in vae_gan.PLAYERS}
    assert values["encoder"][0] == pytest.approx(0.7 * divergence(p) + 2 * features, rel=1e-4)
    adversarial = np.mean(softplus(-fakes))
    assert values["generator"][0] == pytest.approx(0.3 * features + adversarial, rel=1e-4)
    discriminator, (_, metrics) = values["discriminator"]
    assert discriminator == pytest.approx(np.mean(softplus(-real)) + np.mean(softplus(fakes)), rel=1e-4)
    assert metrics["fake_accuracy"] == np.mean(fakes < 0) and metrics["real_accuracy"] == np.mean(real > 0)


def test_the_losses_of_vae_are_the_bound():
    game, variables = start(config_of("vae"))
    batch, p = a_batch(), parts(variables, a_batch())
    error = half_squares(p["real"], p["fake"])
    assert turn(game, "encoder")(variables, batch, KEY)[0] == pytest.approx(divergence(p) + error, rel=1e-4)
    assert turn(game, "generator")(variables, batch, KEY)[0] == pytest.approx(error, rel=1e-4)
    assert set(variables) == {"generator", "encoder"}


def gradient(game, player, variables, batch):
    own = lambda params: turn(game, player)({**variables, player: {"params": params}}, batch, KEY)[0]
    return jax.tree.leaves(jax.jit(jax.grad(own))(variables[player]["params"]))


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_who_learns_from_what_in_vae_gan():
    """The encoder not from logits, the generator from both, the discriminator not from the reconstruction."""
    game, variables = start(config_of("vae_gan"))
    batch, players = a_batch(), ("encoder", "generator")
    head = variables["discriminator"]["params"]
    head = {**head, "Dense_1": jax.tree.map(lambda leaf: leaf + 1, head["Dense_1"])}
    other = {**variables, "discriminator": {"params": head}}
    before, after = ([gradient(game, player, own, batch) for player in players] for own in (variables, other))
    assert [same(*pair) for pair in zip(before, after, strict=True)] == [True, False]
    heavier, _ = start(config_of("vae_gan", **{"terms.features.weight": 9.0, "terms.features.generator_weight": 9.0}))
    each = lambda player: same(*(gradient(own, player, variables, batch) for own in (game, heavier)))
    assert [each(player) for player in vae_gan.PLAYERS] == [True, False, False]


def test_the_losses_of_bigan_are_those_of_the_paper():
    game, variables = start(config_of("bigan"))
    batch = a_batch()
    discriminator = Discriminator(num_classes=SIZE, conditioning="concat", **NETWORKS)
    z = per_example(jax.random.normal, KEY, batch["index"], (SIZE,))
    found = Encoder(SIZE, **NETWORKS).apply(variables["encoder"], batch["image"])
    made = Generator((2,), **NETWORKS).apply(variables["generator"], z)
    judge = lambda x, z: np.asarray(discriminator.apply(variables["discriminator"], x, z).logits, np.float64)
    real, fake = judge(batch["image"], found), judge(made, z)
    wanted = {
        "discriminator": np.mean(softplus(-real) + softplus(fake)),
        "generator": np.mean(softplus(real) + softplus(-fake)),
        "encoder": np.mean(softplus(real) + softplus(-fake)),
    }
    assert {each.player: each.draws_as for each in game.turns}["encoder"] == "discriminator"
    for player, value in wanted.items():
        assert turn(game, player)(variables, batch, KEY)[0] == pytest.approx(value, rel=1e-4)
    assert all(np.abs(leaf).max() > 0 for leaf in gradient(game, "encoder", variables, batch))


@pytest.mark.parametrize("name", GAMES)
def test_what_it_can_do(name):
    """Samples, and examples made anew by the latents that the space's encoder finds, the mean of a VAE's."""
    game, variables = start(config_of(name))
    x, index = a_batch()["image"], jnp.arange(N)
    space = game.spaces["z"]
    z = space.encode(variables, x)
    assert z.shape == (N, SIZE) and game.averaged == ("generator", "encoder")
    if name != "bigan":
        np.testing.assert_allclose(z, parts(variables, a_batch())["mean"], rtol=1e-4, atol=1e-6)
    made = game.maps["reconstruct"].apply(variables, KEY, index, {"image": x})
    np.testing.assert_array_equal(made, space.decode(variables, z, {}, KEY, index))
    assert game.maps["sample"].apply(variables, KEY, index, {}).shape == (N, 2)


@pytest.mark.parametrize("name, rounds, better", [("vae", 300, 0.35), ("vae_gan", 400, 0.6), ("bigan", 800, 0.85)])
def test_it_learns(name, rounds, better):
    """To make points of the ring anew, and to make others: nearer than the mean of the data is."""
    changes = {"networks.latent_size": 2, "optimizers.default.learning_rate": 3e-3, "batch_size": 64}
    if name == "vae":
        changes |= {"terms.kl.weight": 0.01}
    if name == "vae_gan":
        changes |= {"terms.kl.weight": 0.01, "terms.features.generator_weight": 1.0}
    source = open_source("", None)
    config = config_of(name, **changes)
    for player in config.networks:
        if player in ("encoder", "generator", "discriminator"):
            config.networks[player].update(width=64, depth=2)
    experiment = build(config, source.fields)
    points = source.read(np.arange(4096), ("points",))["points"]
    play = jax.jit(make_round(experiment.game, experiment.optimizers, ema_decay=lambda step: 0.95), static_argnums=3)
    state, turns = experiment.init(np.uint32(0)), due(experiment.game, 0)
    for number in range(rounds):
        batch = {"points": points[None, number * 64 % 4096 :][:, :64], "index": np.arange(64, dtype=np.int32)[None]}
        state, _ = play(state, batch, KEY, turns)
    variables = {**state.variables, **{player: {"params": params} for player, params in state.ema.items()}}
    maps, index = experiment.game.maps, np.arange(500)
    made = maps["reconstruct"].apply(variables, KEY, index, {"points": points[:500]})
    error = np.mean(np.sum((made - points[:500]) ** 2, axis=1)) / np.mean(np.sum(points**2, axis=1))
    assert error < better
    sampled = np.asarray(maps["sample"].apply(variables, KEY, index, {}))
    assert np.std(sampled, axis=0).min() > 0.3 * np.std(points, axis=0).min()


@pytest.mark.parametrize("name, changes, message", [
    ("vae", {"terms.pixels.weight": 0.0}, "the encoder learns of no example: set --config.terms.pixels.weight=1"),
    ("vae_gan", {"terms.features.weight": 0.0}, "the encoder learns of no example"),
])  # fmt: skip
def test_mistakes(name, changes, message):
    with pytest.raises(UserError, match=message):
        start(config_of(name, **changes))
