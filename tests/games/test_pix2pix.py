"""pix2pix: its losses from its networks' outputs, who moves, what is seen, and that it learns."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from translating import SOON, config_for, fields_of

from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.game import init_state, make_round, make_step
from gan_jax.games.pix2pix import make_game
from gan_jax.modalities import Field, label
from gan_jax.networks.patch import Discriminator
from gan_jax.networks.spectral import SpectralNorm
from gan_jax.networks.unet import Translator
from gan_jax.perceptual import open_perceptual, perceptual_distance

KEY, SHAPE = jax.random.key(1), (8, 8, 3)


def a_batch(seed=0):
    images = jax.random.uniform(jax.random.key(seed), (2, 2, *SHAPE), minval=-1, maxval=1)
    return {"image": images[0], "input": images[1], "index": jnp.arange(2), "step": jnp.int32(0)}


@pytest.fixture(scope="module")
def game():
    """The game without dropout, its variables, and its networks."""
    game = make_game(config_for("pix2pix", generator={"dropout": 0.0}), fields_of(SHAPE))
    return (
        game,
        jax.jit(game.init)(KEY),
        Translator(SHAPE, width=2, depth=3, dropout=0.0),
        Discriminator(width=2, layers=1),
    )


def logits_of(discriminator, variables, inputs, images):
    return discriminator.apply(variables["discriminator"], jnp.concatenate([inputs, images], axis=-1)).logits


def test_losses_are_those_of_the_paper(game):
    game, variables, generator, discriminator = game
    batch = a_batch()
    fake = generator.apply(variables["generator"], batch["input"])
    on_real, on_fake = (logits_of(discriminator, variables, batch["input"], x) for x in (batch["image"], fake))
    assert on_real.shape == (2, 2, 2)
    log = lambda p: np.log(np.asarray(jax.nn.sigmoid(p), np.float64))
    d, g = (turn.loss(variables, batch, KEY)[0] for turn in game.turns)
    np.testing.assert_allclose(d, -0.5 * (log(on_real) + log(-on_fake)).mean(), rtol=1e-5)
    l1 = np.abs(np.asarray(fake - batch["image"])).mean()
    np.testing.assert_allclose(g, -log(on_fake).mean() + 100 * l1, rtol=1e-5)


def test_other_losses_and_weights_are_used(game):
    """Squares are halved, so D's loss has a quarter of them; the weights are those of the config."""
    _, variables, generator, discriminator = game
    weights = {"adversarial": 3.0, "l1": 7.0}
    config = config_for("pix2pix", weights, {"dropout": 0.0}, loss="least_squares")
    squares = make_game(config, fields_of(SHAPE))
    batch = a_batch()
    fake = generator.apply(variables["generator"], batch["input"])
    on_real, on_fake = (
        np.asarray(logits_of(discriminator, variables, batch["input"], x)) for x in (batch["image"], fake)
    )
    (d, (_, d_metrics)), (g, (_, g_metrics)) = (turn.loss(variables, batch, KEY) for turn in squares.turns)
    np.testing.assert_allclose(d, 0.25 * ((on_real - 1) ** 2 + on_fake**2).mean(), rtol=1e-5)
    l1 = np.abs(np.asarray(fake - batch["image"])).mean()
    np.testing.assert_allclose(g, 3 * 0.5 * ((on_fake - 1) ** 2).mean() + 7 * l1, rtol=1e-5)
    np.testing.assert_allclose(g_metrics["l1"], l1, rtol=1e-5)  # in gray levels of [-1, 1], without its weight
    np.testing.assert_allclose(g_metrics["adversarial"], 0.5 * ((on_fake - 1) ** 2).mean(), rtol=1e-5)
    assert d_metrics == {"real_accuracy": (on_real > 0.5).mean(), "fake_accuracy": (on_fake < 0.5).mean()}


def test_the_discriminator_sees_the_input(game):
    game, variables, *_ = game
    batch, (turn, _) = a_batch(), game.turns
    loss = lambda inputs: turn.loss(variables, {**batch, "input": inputs}, KEY)
    (_, (_, metrics)), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(batch["input"])
    assert np.abs(gradient).min() > 0 and np.isfinite(metrics["real_accuracy"])


def test_each_turn_moves_its_own_player(game):
    game, *_ = game
    optimizers = {player: optax.sgd(0.1, momentum=0.9) for player in ("generator", "discriminator")}
    state = jax.jit(lambda: init_state(game, optimizers, KEY))()
    for turn, other in zip(game.turns, ("generator", "discriminator"), strict=True):
        moved, _ = jax.jit(make_step(turn, optimizers[turn.player]))(state, a_batch(), KEY)
        rest = lambda s, other=other: (s.step, s.variables[other], s.opt_states[other], s.ema)
        chex.assert_trees_all_equal(rest(moved), rest(state))
        same = jax.tree.map(lambda a, b: (a == b).all(), moved.variables[turn.player], state.variables[turn.player])
        assert not any(jax.tree.leaves(same))


@pytest.fixture(scope="module")
def noisy():
    """The game with dropout, as only networks of 6 levels and more have it, its variables, and inputs."""
    game = make_game(config_for("pix2pix", generator={"depth": 6, "dropout": 0.5}), fields_of((64, 64, 1)))
    return game, jax.jit(game.init)(KEY), jax.random.uniform(KEY, (3, 64, 64, 1))


def test_dropout_is_the_noise_of_samples_each_by_itself(noisy):
    game, variables, inputs = noisy
    assert game.maps.keys() == {"ab"} and game.maps["ab"][:2] == (("input",), "image")
    apply = jax.jit(game.maps["ab"].apply)
    sample = lambda variables, key, index, inputs: apply(variables, key, index, {"input": inputs})
    whole = sample(variables, KEY, jnp.arange(3), inputs)
    np.testing.assert_array_equal(sample(variables, KEY, jnp.arange(3), inputs), whole)
    assert np.abs(sample(variables, jax.random.key(2), jnp.arange(3), inputs) - whole).max() > 1e-4
    again = sample(variables, KEY, jnp.array([2, 0, 1]), inputs[jnp.array([2, 0, 1])])
    np.testing.assert_allclose(again, whole[jnp.array([2, 0, 1])], atol=1e-6)
    parts = [sample(variables, KEY, jnp.array([i]), inputs[i : i + 1]) for i in range(3)]
    np.testing.assert_allclose(jnp.concatenate(parts), whole, atol=1e-6)


def test_dropout_is_on_in_both_turns(noisy):
    game, variables, inputs = noisy
    batch = {"image": -inputs, "input": inputs, "index": jnp.arange(3), "step": jnp.int32(0)}
    losses = jax.jit(lambda key: jnp.stack([turn.loss(variables, batch, key)[0] for turn in game.turns]))
    values = losses(KEY)
    np.testing.assert_array_equal(losses(KEY), values)
    assert (losses(jax.random.key(2)) != values).all()


@pytest.mark.parametrize(("name", "changes", "passes"), [("pix2pix", {}, 1), ("cyclegan", SOON, 2)])
def test_both_turns_share_their_fakes(name, changes, passes):
    """Compiled together they take as much less as the generator takes for its fakes."""
    experiment = build(config_for(name, **changes), fields_of(SHAPE))
    (first, second), variables = experiment.game.turns, experiment.state_shapes.variables
    to_see, to_move = (lambda v, b, turn=turn: turn.loss(v, b, KEY)[0] for turn in (first, second))
    alone = to_see, jax.grad(to_move)
    made = lambda v, b: experiment.game.maps["ab"].apply(v, KEY, b["index"], b)

    flops = lambda f: jax.jit(f).lower(variables, a_batch()).compile().cost_analysis()["flops"]
    saved = sum(map(flops, alone)) - flops(lambda v, b: [each(v, b) for each in alone])
    assert saved > 0.9 * passes * flops(made)


@pytest.mark.parametrize("loss", ["non_saturating", "least_squares"])
def test_it_learns_to_invert(loss):
    """Smooth images: so small a network cannot tell each pixel of noise."""
    game = make_game(config_for("pix2pix", generator={"width": 4}, loss=loss), fields_of(SHAPE))
    optimizers = {player: optax.adam(1e-2, 0.5) for player in ("generator", "discriminator")}
    state = jax.jit(lambda: init_state(game, optimizers, KEY))()
    play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.5), static_argnums=3)
    seen = []
    for step in range(60):
        corners = jax.random.uniform(jax.random.key(step), (2, 2, 2, 3), minval=-1, maxval=1)
        smooth = jax.image.resize(corners, (2, *SHAPE), "linear")[None]
        batch = {"input": smooth, "image": -smooth, "index": jnp.arange(2)[None]}
        state, metrics = play(state, batch, KEY, ("discriminator", "generator"))
        seen.append(float(metrics["generator/l1"]))
    assert np.mean(seen[-5:]) < 0.6 * np.mean(seen[:5])


def test_inputs_must_be_there():
    with pytest.raises(UserError, match=r"say what they are made from with --config\.data\.pair"):
        build(config_for("pix2pix"), {"image": fields_of(SHAPE)["image"]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.paired": False}, "--config.data.paired=false: this game learns from pairs"),
        ({"data.task": "superres"}, "--config.data.task=superres: this game keeps sizes: set --config.game=srgan"),
        ({"pac": 2}, "config.pac: there is no such key"),
        ({"labels": "auto"}, "config.labels: there is no such key"),
        ({"networks.latent_size": 4}, "config.networks.latent_size: there is no such key"),
        ({"loss": "hinges"}, "config.loss='hinges': must be one of .*; did you mean hinge"),
        ({"terms.l2": {}}, "config.terms.l2: there is no such term in this game; there are: adversarial, l1"),
        ({"terms.r1": {}}, "config.terms.r1: there is no such term in this game"),
        ({"weights": {"l1": 0.0, "adversarial": 0.0}}, "the generator learns from nothing"),
        ({"terms.x": {"function": "gan_jax.terms.r1"}}, "config.terms: r1 is of the discriminator"),
        ({"terms.l1.wieght": 3.0}, "config.terms.l1.wieght: there is no such key; did you mean weight"),
        ({"generator": {"name": "dcgan"}}, "config.networks.generator.name='dcgan'.* has no Translator"),
        ({"generator": {"depth": 5}}, "set --config.networks.generator.depth=3"),
        ({"discriminator": {"layer": 1}}, "config.networks.discriminator.layer: there is no such key; .*layers"),
    ],
)
def test_what_it_does_not_have_is_rejected(changes, message):
    with pytest.raises(UserError, match=message):
        build(config_for("pix2pix", **changes), fields_of(SHAPE))


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(UserError) as caught:
        config_for("pix2pix", pac=2, labels="auto", **{"terms.l1.weight": -1.0})
    assert all(part in str(caught.value) for part in ("config.pac", "config.labels", "config.terms.l1.weight=-1.0"))


@pytest.mark.parametrize("weights", [{"adversarial": 0.0}, {"l1": 0.0}])
def test_a_term_may_be_left_out(weights):
    """Without the adversarial one the discriminator learns all the same."""
    game = make_game(config_for("pix2pix", weights), fields_of(SHAPE))
    (left,) = {"adversarial", "l1"} - set(weights)
    value, (_, metrics) = jax.jit(game.turns[1].loss)(jax.jit(game.init)(KEY), a_batch(), KEY)
    weight = {"adversarial": 1, "l1": 100}[left]
    assert metrics.keys() == {left} and float(value) == pytest.approx(weight * float(metrics[left]))
    assert [turn.name for turn in game.turns] == ["discriminator", "generator"]


def test_labels_are_not_used():
    labels = {"label": Field(label.MODALITY, (), ("a", "b", "c"))}
    game = make_game(config_for("pix2pix"), {**fields_of(SHAPE), **labels})
    assert game.maps["ab"].given == ("input",)


def test_spectral_estimates_move_once_in_the_turn_of_their_player():
    """Also those of SRGAN, which shares its way to call networks."""
    config = config_for("pix2pix", generator={"spectral": True, "dropout": 0.0}, discriminator={"spectral": True})
    game = make_game(config, fields_of(SHAPE))
    variables, batch = jax.jit(game.init)(KEY), a_batch()
    networks = {"generator": Translator(SHAPE, width=2, depth=3, dropout=0.0), "discriminator": Discriminator(0, 2, 1)}
    seen = {"generator": (3,), "discriminator": (6,)}
    for turn in game.turns:
        player = turn.player
        network, own = SpectralNorm(networks[player]), variables[player]
        _, once = network.apply(own, jnp.zeros((1, 8, 8, *seen[player])), mutable=["spectral"])
        moved = turn.loss(variables, batch, KEY)[1][0]["spectral"]
        assert moved.keys() == own["spectral"].keys()
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), moved, once["spectral"])
        assert any(not np.allclose(moved[path], own["spectral"][path], atol=1e-3) for path in moved)


def test_two_scales_and_what_layers_compute():
    """A network a scale, which sees the pair at half its resolution; losses are means over both."""
    weights = {"adversarial": 1.0, "l1": 0.0, "feature_matching": 10.0}
    own = {"padding": "same"}  # nothing is lost of 4x4 pixels
    config = config_for("pix2pix", weights, {"dropout": 0.0}, own, scales=2, loss="hinge")
    game, batch = make_game(config, fields_of(SHAPE)), a_batch()
    variables = jax.jit(game.init)(KEY)
    params = variables["discriminator"]["params"]
    assert params.keys() == {"0", "1"}
    assert not np.allclose(*(jax.tree.leaves(params[each])[-1] for each in "01"))
    fake = Translator(SHAPE, width=2, depth=3, dropout=0.0).apply(variables["generator"], batch["input"])
    critic, d_expected, g_expected, matched = Discriminator(width=2, layers=1, padding="same"), [], [], []
    half = lambda x: x.reshape(2, 4, 2, 4, 2, 3).mean(axis=(2, 4))
    for number, seen in (("0", lambda x: x), ("1", half)):
        pair = lambda x, seen=seen: jnp.concatenate([seen(batch["input"]), seen(x)], axis=-1)
        on_real, on_fake = (critic.apply({"params": params[number]}, pair(x)) for x in (batch["image"], fake))
        assert [each.shape[-1] for each in on_real.maps] == [2, 4]
        d_expected.append(np.maximum(1 - on_real.logits, 0).mean() + np.maximum(1 + on_fake.logits, 0).mean())
        g_expected.append(-np.mean(on_fake.logits))
        matched.append(sum(np.abs(a - b).mean() for a, b in zip(on_real.maps, on_fake.maps, strict=True)))
    (d, (_, accuracy)), (g, (_, metrics)) = (turn.loss(variables, batch, KEY) for turn in game.turns)
    np.testing.assert_allclose(d, np.mean(d_expected) / 2, rtol=1e-5)
    np.testing.assert_allclose(metrics["feature_matching"], np.mean(matched), rtol=1e-5)
    np.testing.assert_allclose(g, np.mean(g_expected) + 10 * np.mean(matched), rtol=1e-4)
    assert set(accuracy) == {"real_accuracy", "fake_accuracy"}


def test_a_frozen_network_compares_too():
    weights = {"adversarial": 0.0, "l1": 0.0, "perceptual": 2.0}
    config = config_for("pix2pix", weights, {"dropout": 0.0})
    game, batch = make_game(config, fields_of(SHAPE)), a_batch()
    variables = jax.jit(game.init)(KEY)
    fake = Translator(SHAPE, width=2, depth=3, dropout=0.0).apply(variables["generator"], batch["input"])
    frozen = open_perceptual("classifier", 3)
    distance = perceptual_distance(*(frozen.maps(variables["perceptual"], x) for x in (fake, batch["image"])))
    np.testing.assert_allclose(game.turns[1].loss(variables, batch, KEY)[0], 2 * distance.mean(), rtol=1e-5)
