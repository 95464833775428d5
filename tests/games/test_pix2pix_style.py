"""Photographs with a style: what the encoder finds, and how it is learned and used."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from translating import config_for, fields_of

from gan_jax.errors import UserError
from gan_jax.games.pix2pix import make_game
from gan_jax.networks.spade import StyleEncoder, Translator

KEY, SHAPE, Z = jax.random.key(1), (8, 8, 3), 4
SPADE = {"name": "spade", "width": 2, "depth": 1, "latent_size": Z, "hidden": 2, "norm": "instance", "style": True}


def normal(key, *shape):
    return jax.random.normal(jax.random.key(key), shape)


@pytest.fixture(scope="module")
def played():
    """The game, its variables, larger than at first, its network and a batch."""
    game = make_game(config_for("pix2pix", {"adversarial": 0.0, "kl": 2.0}, SPADE), fields_of(SHAPE))
    variables = jax.jit(game.init)(KEY)
    variables["generator"] = jax.tree.map(
        lambda leaf: leaf + 0.3 * normal(leaf.size, *leaf.shape), variables["generator"]
    )
    network = Translator(SHAPE, **{name: value for name, value in SPADE.items() if name != "name"})
    batch = {"image": jnp.tanh(normal(2, 2, *SHAPE)), "input": normal(3, 2, *SHAPE), "index": jnp.array([5, 6])}
    return game, variables, network, {**batch, "step": jnp.int32(0)}


def test_fakes_have_the_latents_of_their_targets(played):
    """z = mean + deviation x noise, of the place in the batch; and the divergence is that of Gaussians."""
    game, variables, network, batch = played
    own = variables["generator"]
    mean, log_variance = StyleEncoder(SHAPE[:2], 2, Z).apply({"params": own["params"]["encoder"]}, batch["image"])
    value, (_, metrics) = jax.jit(game.turns[1].loss)(variables, batch, KEY)
    variance = np.exp(np.asarray(log_variance, np.float64))
    # Of N(m, s^2) from N(0, 1): (m^2 + s^2 - 1) / 2 - log s.
    divergence = ((np.square(mean) + variance - 1) / 2 - np.log(np.sqrt(variance))).sum(axis=1).mean()
    np.testing.assert_allclose(metrics["kl"], divergence, rtol=1e-4)
    noise = np.stack([jax.random.normal(jax.random.fold_in(KEY, place), (Z,)) for place in (5, 6)])
    fake = network.apply(own, batch["input"], mean + np.sqrt(variance) * noise, method="make")
    np.testing.assert_allclose(metrics["l1"], np.abs(fake - batch["image"]).mean(), rtol=1e-4)
    np.testing.assert_allclose(value, 100 * metrics["l1"] + 2 * metrics["kl"], rtol=1e-5)


def test_the_encoder_learns(played):
    game, variables, _, batch = played

    def loss(params):
        own = {**variables["generator"], "params": params}
        return game.turns[1].loss({**variables, "generator": own}, batch, KEY)[0]

    gradients = jax.jit(jax.grad(loss))(variables["generator"]["params"])["encoder"]
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradients))


def test_a_picture_gives_its_style(played):
    """The map "styled" is without chance; "ab" draws its latents."""
    game, variables, network, batch = played
    given = {name: batch[name] for name in ("input", "image")}
    assert game.maps["ab"].given == ("input",) and game.maps["styled"][:2] == (("input", "image"), "image")
    made = game.maps["styled"].apply(variables, KEY, batch["index"], given)
    mean, _ = network.apply(variables["generator"], batch["image"], method="encode")
    np.testing.assert_allclose(
        made, network.apply(variables["generator"], batch["input"], mean, method="make"), atol=1e-5
    )
    other = game.maps["styled"].apply(variables, KEY, batch["index"], {**given, "image": given["image"][::-1]})
    assert np.abs(other - made).max() > 1e-2
    drawn = game.maps["ab"].apply(variables, KEY, batch["index"], given)
    assert np.abs(drawn - made).max() > 1e-2


@pytest.mark.parametrize(
    ("weights", "generator", "message"),
    [
        ({"kl": 1.0}, {**SPADE, "style": False}, r"kl: no encoder gives latents: set .*generator.style=true"),
        ({}, {**SPADE, "latent_size": 0}, "a style is in the latents: set .*latent_size=256"),
    ],
)
def test_what_an_encoder_needs(weights, generator, message):
    with pytest.raises(UserError, match=message):
        jax.eval_shape(make_game(config_for("pix2pix", weights, generator), fields_of(SHAPE)).init, KEY)
