"""StackGAN: two stages, captions that belong to images and others, and what is made of what is said."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import regularizers
from gan_jax.config import complete
from gan_jax.data import captions
from gan_jax.errors import UserError
from gan_jax.evaluation import matcher
from gan_jax.game import due, init_state, make_round
from gan_jax.games.stackgan import make_game, others
from gan_jax.modalities import Field, image, label
from gan_jax.networks.dcgan import Discriminator, Generator
from gan_jax.networks.gru import TextEncoder
from gan_jax.networks.resampling import pool

KEY, SHAPE = jax.random.key(1), (8, 8, 1)
NAMES = ("", "red", "blue", "three", "four")
TEXTS = [["red three", "three"], ["blue three", "blue three"], ["red four", "four red"], ["red three", "three"]]
STORED = captions.numbered(TEXTS, NAMES)
FIELDS = {"image": Field(image.MODALITY, SHAPE), "caption": captions.field_of(STORED, NAMES)}


def config_for(**changes):
    networks = {
        "latent_size": 3,
        "text_size": 5,
        "condition_size": 4,
        "text": {"width": 6},
        "generator": {"width": 2, "norm": "none"},
        "refiner": {"width": 2, "halvings": 1, "blocks": 1, "norm": "none"},
        "discriminator": {"width": 2, "norm": "none"},
    }
    given = {"game": "stackgan", "networks": networks, "batch_size": 4, "total_kimg": 0.08, "stage_kimg": 0.04}
    return complete(given | {"doublings": 1, "terms": {"adversarial": {}, "kl": {}}} | changes)


@functools.cache
def a_game():
    game = make_game(config_for(), FIELDS)
    return game, jax.jit(game.init)(KEY)


def a_batch(step=0):
    images = jax.random.uniform(KEY, (4, *SHAPE), minval=-1, maxval=1)
    return {"image": images, "caption": jnp.array(STORED[:, 0]), "index": jnp.arange(4), "step": jnp.int32(step)}


def turns_of(game):
    return {turn.name: turn for turn in game.turns}


def encoded_by(variables, captions):
    """With a mean square of 1."""
    encoded = np.asarray(TextEncoder(5, 5, width=6).apply(variables["text"], captions))
    return encoded / np.sqrt(np.mean(encoded**2, axis=1, keepdims=True))


def test_each_stage_has_a_window():
    game = a_game()[0]
    first, second = ("text", "discriminator", "generator"), ("refiner_discriminator", "refiner")
    assert {due(game, step) for step in range(10)} == {first} and {due(game, step) for step in (10, 99)} == {second}
    assert game.averaged == ("text", "generator", "refiner")
    lazy = make_game(config_for(terms={"adversarial": {}, "r1": {"every": 8}}), FIELDS)
    assert due(lazy, 8) == ("text", "discriminator", "discriminator_r1", "generator")
    assert due(lazy, 16) == ("refiner_discriminator", "refiner_discriminator_r1", "refiner") and due(lazy, 17) == second


def test_other_captions():
    batch = lambda numbers: {"caption": jnp.array(numbers)[:, None]}
    assert others(batch([1, 1, 2, 3])).tolist() == [2, 2, 3, 0]
    assert others(batch([1, 2, 2, 2])).tolist() == [1, 0, 0, 0]
    assert others(batch([5, 5])).tolist() == [1, 0]  # there is none
    assert others({"caption": jnp.array([[1, 2], [1, 3]])}).tolist() == [1, 0]


@pytest.mark.parametrize("stage", [0, 1])
def test_the_objective_of_a_discriminator(stage):
    """Real images with their captions against generated ones, half, and real ones with others, half."""
    game, variables = a_game()
    batch, names = a_batch(), (("discriminator", "generator"), ("refiner_discriminator", "refiner"))[stage]
    value, (_, metrics) = jax.jit(turns_of(game)[names[0]].loss)(variables, batch, KEY)
    encoded = encoded_by(variables, batch["caption"])
    judge = Discriminator(num_classes=5, width=2, norm="none")
    logits = lambda images, words: judge.apply(variables[names[0]], images, words).logits
    real, other = batch["image"] if stage else pool(batch["image"]), encoded[jnp.array([1, 2, 3, 1])]
    softplus = lambda x: np.mean(np.logaddexp(0, x))
    known = softplus(-logits(real, encoded)) + 0.5 * softplus(logits(real, other))
    fake = made(game, variables, batch, stage)
    assert float(value) == pytest.approx(known + 0.5 * softplus(logits(fake, encoded)), rel=1e-4)
    assert metrics["other_accuracy"] == pytest.approx(np.mean(np.asarray(logits(real, other)) < 0))
    value, (_, metrics) = jax.jit(turns_of(game)[names[1]].loss)(variables, batch, KEY)
    mean, log_variance = np.split(np.asarray(condition_of(variables, names[1], encoded)), 2, axis=-1)
    kl = 0.5 * np.mean(mean**2 + np.exp(log_variance) - log_variance - 1)
    assert metrics["kl"] == pytest.approx(kl, rel=1e-4)
    assert float(value) == pytest.approx(softplus(-logits(fake, encoded)) + 2 * kl, rel=1e-4)


@pytest.mark.parametrize("stage", [0, 1])
def test_terms_that_have_a_layer_of_their_own(stage):
    """They learn of real images, the generator of its own; what is told of an image is so by the judge's features."""
    game = make_game(
        config_for(
            terms={"adversarial": {}, "kl": {}, "contrastive": {"temperature": 0.2}, "named": {"generator": 0.5}}
        ),
        FIELDS,
    )
    variables, batch = jax.jit(game.init)(KEY), a_batch()
    player, generator = (("discriminator", "generator"), ("refiner_discriminator", "refiner"))[stage]
    own = variables[player] = jax.tree.map(lambda leaf: 20 * leaf, variables[player])  # features of a size
    encoded = encoded_by(variables, batch["caption"])
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)

    def known(images):
        features = Discriminator(num_classes=5, width=2, norm="none").apply(own, images, encoded).features
        read, told = (
            np.asarray(features) @ own["params"][name]["kernel"] + own["params"][name]["bias"]
            for name in ("contrastive", "named")
        )
        return {
            "contrastive": float(regularizers.contrastive(unit(read) @ unit(encoded).T / 0.2, batch["caption"])),
            "named": float(jnp.mean(regularizers.bag_of_words(told, batch["caption"]))),
        }

    real = known(batch["image"] if stage else pool(batch["image"]))
    of_turns = {player: real, generator: known(made(game, variables, batch, stage))}
    if stage == 0:
        of_turns["text"] = {"contrastive": real["contrastive"]}
    for turn, values in of_turns.items():
        total, (_, metrics) = jax.jit(turns_of(game)[turn].loss)(variables, batch, KEY)
        rest = metrics["adversarial"] + 2 * metrics["kl"] if turn == generator else metrics["objective"]
        assert {name: metrics.get(name) for name in values} == pytest.approx(values, rel=1e-4)
        weights = {"contrastive": 1, "named": 0.5 if turn == generator else 1}
        own = sum(weights[name] * value for name, value in values.items())
        assert float(total) == pytest.approx(float(rest) + own, rel=1e-4)


def condition_of(variables, player, encoded):
    own = variables[player]["params"]["augmentation"]
    return encoded @ own["kernel"] + own["bias"]


def made(game, variables, batch, stage):
    """What the stage makes in a turn, of the noise of the turn's key."""
    from gan_jax.latent.prior import make_prior
    from gan_jax.networks.stackgan import Refiner

    encoded = encoded_by(variables, batch["caption"])
    images, *noise = np.split(np.asarray(make_prior(3 + 8, "normal")(KEY, batch["index"])), (3, 7), axis=-1)
    networks = Generator((4, 4, 1), 4, 2, "none"), Refiner(SHAPE, 4, width=2, halvings=1, blocks=1, norm="none")
    for number, player in enumerate(("generator", "refiner")[: stage + 1]):
        mean, log_variance = np.split(np.asarray(condition_of(variables, player, encoded)), 2, axis=-1)
        own = {"params": variables[player]["params"]["network"]}
        images = networks[number].apply(own, images, mean + np.exp(0.5 * log_variance) * noise[number])
    return images


def test_the_encoder_learns_of_real_images_alone():
    game, variables = a_game()
    loss = jax.jit(turns_of(game)["text"].loss)
    changed = {**variables, "generator": jax.tree.map(lambda leaf: leaf + 1, variables["generator"])}
    assert loss(changed, a_batch(), KEY)[0] == loss(variables, a_batch(), KEY)[0]


def test_it_learns_and_each_player_rests_in_the_other_stage():
    game = a_game()[0]
    players = ("text", "discriminator", "generator", "refiner_discriminator", "refiner")
    optimizers = {player: optax.adam(1e-3) for player in players}
    play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.5), static_argnames="due")
    before = jax.jit(lambda key: init_state(game, optimizers, key))(KEY)
    batch = {name: leaf[None] for name, leaf in a_batch().items() if name != "step"}
    batch["caption"] = jnp.array(STORED)[None]
    for first, moving in ((0, players[:3]), (10, players[3:])):
        before = before.replace(step=jnp.int32(first))
        after, metrics = play(before, batch, KEY, due=due(game, first))
        assert all(np.isfinite(value) for value in metrics.values())
        for player in players:
            same = [before.variables[player]["params"], after.variables[player]["params"]]
            if player in moving:
                with pytest.raises(AssertionError):
                    chex.assert_trees_all_equal(*same)
            else:
                chex.assert_trees_all_equal(*same)
        assert after.variables["refiner"]["growth"]["level"] == (first > 0)
        before = after


def test_samples_are_those_of_the_stage_that_has_been_trained():
    game, variables = a_game()
    given, index = {"caption": jnp.array(STORED)}, jnp.arange(4)
    sample = jax.jit(game.maps["sample"].apply)
    small = sample(variables, KEY, index, given)
    np.testing.assert_array_equal(small[:, ::2, ::2], small[:, 1::2, 1::2])  # repeated pixels
    there = {**variables, "refiner": {**variables["refiner"], "growth": {"level": jnp.ones(())}}}
    large = sample(there, KEY, index, given)
    assert np.abs(large[:, ::2] - large[:, 1::2]).max() > 0
    alone = sample(there, KEY, index[2:3], {"caption": given["caption"][2:3]})
    np.testing.assert_allclose(alone, large[2:3], atol=1e-6)
    np.testing.assert_allclose(large, decoded(game, there, given, index), atol=1e-6)
    said = sample(there, KEY, index, {"caption": jnp.array(STORED[1:2]).repeat(4, axis=0)})
    assert np.abs(said[0] - large[0]).max() > 1e-6  # the same noise, another caption


def decoded(game, variables, given, index):
    space = game.spaces["condition"]
    return space.decode(variables, space.by_layer(space.draw(variables, KEY, index, given)), {}, KEY, index)


def test_the_space_of_conditions():
    game, variables = a_game()
    space, index = game.spaces["condition"], jnp.arange(2)
    a = space.draw(variables, KEY, index, {"caption": jnp.array(STORED[:2])})
    b = space.draw(variables, KEY, index, {"caption": jnp.array(STORED[2:])})
    assert a.shape == (2, 3 + 8) and space.by_layer(a).shape == (2, 1, 11)
    np.testing.assert_array_equal(a[:, :3], b[:, :3])  # z is that of the noise alone
    half = space.between(a, b, jnp.full(2, 0.5))
    np.testing.assert_allclose(half[:, :3], a[:, :3], atol=1e-5)
    np.testing.assert_allclose(half[:, 3:], (a + b)[:, 3:] / 2, atol=1e-5)
    assert space.draw(variables, KEY, index, {}).shape == (2, 11)  # of captions that the run knows
    mean = space.mean(variables, 2, {})
    assert mean.shape == (2, 11) and not mean[:, :3].any()


def test_the_encoder_of_a_matcher(tmp_path):
    """It gives what it gives in the matcher, of the run's numbers of words, and does not learn."""
    names = ("", "four", "three", "two", "blue", "red")
    network = matcher.Network(len(names), {})
    params = network.init(KEY, jnp.zeros((1, *SHAPE)), jnp.ones((1, 1), jnp.int32))
    about = {"image_shape": SHAPE, "words": names, "classes": {}}
    matcher.trained.save(tmp_path / "m.npz", params, about)
    game = make_game(config_for(matcher=str(tmp_path / "m.npz")), FIELDS)
    assert due(game, 0) == ("discriminator", "generator")
    variables = jax.jit(game.init)(KEY)
    encoder = TextEncoder(len(NAMES), matcher.EMBEDDING, matcher.WORD)
    found = encoder.apply(variables["text"], jnp.array(STORED[:, 0]))
    found /= jnp.linalg.norm(found, axis=1, keepdims=True)
    moved = captions.renumbered(STORED[:, 0], NAMES, names)
    own = matcher.load(tmp_path / "m.npz")
    np.testing.assert_allclose(found, own.call(own.params, moved, method="read"), atol=1e-6)
    value, (_, metrics) = jax.jit(turns_of(game)["discriminator"].loss)(variables, a_batch(), KEY)
    assert np.isfinite(value) and np.isfinite(metrics["other_accuracy"])
    matcher.trained.save(tmp_path / "n.npz", network.init(KEY, jnp.zeros((1, *SHAPE)), jnp.ones((1, 1), jnp.int32)), {
        **about, "words": ("", "four", "three", "two", "blue", "green")
    })  # fmt: skip
    with pytest.raises(UserError, match="has not learned 1 words, such as 'red'"):
        make_game(config_for(matcher=str(tmp_path / "n.npz")), FIELDS)


def test_what_does_not_fit():
    def rejected(fields=FIELDS, **changes):
        with pytest.raises(UserError) as caught:
            make_game(config_for(**changes), fields)
        return str(caught.value)

    labels = {"image": FIELDS["image"], "label": Field(label.MODALITY, (), ("a", "b"))}
    assert "needs captions, and digits has none: set --config.data.caption" in rejected(labels)
    assert "stage II would begin after" in rejected(stage_kimg=0.08)
    assert "8x8 pixels cannot be halved as often" in rejected(doublings=4)
    assert "learn of no image" in rejected(terms={"kl": {}})
    wide = {**config_for().to_dict()["networks"], "discriminator": {"width": 2, "norm": "batch"}}
    larger = {**FIELDS, "image": Field(image.MODALITY, (16, 16, 1))}
    assert "normalizes over the batch" in rejected(larger, terms={"adversarial": {}, "r1": {}}, networks=wide)
