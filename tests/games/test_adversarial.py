"""The adversarial game: its losses from its logits, its samples, and that it learns."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from playing import KEY, fields_of, sampled, start, turn_values

from gan_jax import losses
from gan_jax.config import complete, config_for
from gan_jax.data import Stream, open_source, prepare
from gan_jax.errors import UserError
from gan_jax.game import due, make_round
from gan_jax.games.adversarial import make_game, pack
from gan_jax.modalities import Field, audio, segmentation
from gan_jax.networks import mlp
from gan_jax.networks.spectral import SpectralNorm
from gan_jax.sampling import make_sampler


@pytest.mark.parametrize("name", losses.__all__)
def test_discriminator_turn_is_the_loss_on_its_logits(tiny, name):
    """A generator that makes one point whatever its noise, so that both sorts of logits are known."""
    config = tiny(loss=name)
    game, _, state = start(config)
    generator = jax.tree.map(jnp.zeros_like, state.variables["generator"])
    variables = {**state.variables, "generator": generator}
    real = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    batch = {"image": real, "index": jnp.arange(6), "step": 0}
    value, (_, metrics) = game.turns[0].loss(variables, batch, KEY)
    real_logits, fake_logits = game.discriminate(variables, real), game.discriminate(variables, jnp.zeros((6, 2)))
    loss = getattr(losses, name)
    assert float(value) == pytest.approx(float(loss.discriminator(real_logits, fake_logits).mean()), rel=1e-5)
    boundary = loss.boundary(real_logits, fake_logits)
    assert metrics["real_accuracy"] == np.mean(real_logits > boundary)
    assert metrics["fake_accuracy"] == np.mean(fake_logits < boundary)
    value, _ = game.turns[1].loss(variables, batch, KEY)
    assert float(value) == pytest.approx(float(loss.generator(real_logits, fake_logits).mean()), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("every", [1, 4])
def test_eager_and_lazy_penalty_are_the_same_force(tiny, every):
    """Lazily the penalty is `every` times as strong, every `every` rounds."""
    changes = {"terms.r1": {"weight": 3.0, "every": every}}
    game, _, state = start(tiny(**changes))
    batch = {"image": np.ones((6, 2), np.float32), "index": jnp.arange(6), "step": 0}
    plain, _, _ = start(tiny())
    if every == 1:
        force = game.turns[0].loss(state.variables, batch, KEY)[0] - plain.turns[0].loss(state.variables, batch, KEY)[0]
    else:
        force = game.turns[1].loss(state.variables, batch, KEY)[0] / every
    gradient = jax.grad(lambda x: game.discriminate(state.variables, x).sum())(batch["image"])
    np.testing.assert_allclose(force, 3.0 / 2 * np.mean(np.sum(gradient**2, axis=-1)), rtol=1e-3)


def test_a_sample_is_the_same_however_many_are_generated(tiny):
    game, _, state = start(tiny(**{"networks.generator.norm": "batch"}))
    all_ten = sampled(game, state.variables, KEY, jnp.arange(10))
    np.testing.assert_allclose(sampled(game, state.variables, KEY, jnp.arange(7, 10)), all_ten[7:], rtol=1e-5)
    assert len(np.unique(np.asarray(all_ten), axis=0)) == 10


def test_a_conditional_game_uses_its_labels(tiny):
    game, _, state = start(tiny(), num_classes=3)
    made = [sampled(game, state.variables, KEY, jnp.arange(4), jnp.full(4, label)) for label in range(3)]
    assert not np.allclose(made[0], made[1]) and not np.allclose(made[1], made[2])


def test_a_noisy_discriminator_has_draws_of_its_own():
    """Phases are shuffled while it learns, by the key of the turn; not when it is asked."""
    field = Field(audio.MODALITY, (256, 1), (), {"rate": 8000})

    def game_of(shuffle):
        config = config_for("adversarial")
        config.networks = {"latent_size": 4, "generator": {"name": "wavegan", "width": 2}}
        config.networks.discriminator = {"name": "wavegan", "width": 2, "shuffle": shuffle}
        return make_game(complete(config), {"audio": field})

    noisy, still = game_of(2), game_of(0)
    variables = noisy.init(KEY)
    real = np.random.default_rng(0).normal(size=(6, 256, 1)).astype(np.float32)
    batch = {"audio": real, "index": jnp.arange(6), "step": 0}
    loss = lambda game, key=KEY: float(game.turns[0].loss(variables, batch, key)[0])
    assert loss(noisy) == loss(noisy) and loss(noisy) not in (loss(still), loss(noisy, jax.random.key(9)))
    np.testing.assert_array_equal(*(game.discriminate(variables, real) for game in (noisy, still)))


@pytest.mark.parametrize("conditioning", ["projection", "auxiliary", "concat"])
def test_a_condition_may_be_weights_over_the_classes(tiny, conditioning):
    """Those of one class alone are its label, in samples and in both losses; others lie between classes."""
    classes = {"terms.classes": {}} if conditioning == "auxiliary" else {}
    config = tiny(**classes, **{"networks.discriminator.conditioning": conditioning})
    game, variables, batch, values = turn_values(config, num_classes=3)
    soft = {**batch, "label": jax.nn.one_hot(batch["label"], 3)}
    mixed = {**batch, "label": jnp.full((8, 3), 1 / 3)}
    for turn in game.turns:
        value, (_, metrics) = turn.loss(variables, soft, KEY)
        np.testing.assert_allclose(value, values[turn.name][0], rtol=1e-6)
        chex.assert_trees_all_close(metrics, values[turn.name][1][1], rtol=1e-6)
        assert abs(turn.loss(variables, mixed, KEY)[0] - value) > 1e-4

    index = jnp.arange(3)
    make = lambda weights: np.asarray(sampled(game, variables, KEY, index, jnp.tile(jnp.array(weights), (3, 1))))
    pure = [make(np.eye(3, dtype=np.float32)[n]) for n in range(3)]
    for n in range(3):
        np.testing.assert_allclose(pure[n], sampled(game, variables, KEY, index, jnp.full(3, n)), rtol=1e-6, atol=1e-7)
    half, near = make([0.5, 0.5, 0.0]), make([0.999, 0.001, 0.0])
    assert min(np.abs(half - pure[n]).max() for n in range(3)) > 1e-3
    assert 0 < np.abs(near - pure[0]).max() < 0.01 * np.abs(pure[1] - pure[0]).max()


def test_classes_are_mixed_by_the_sampler_as_by_the_game(tiny):
    game, _, state = start(tiny(), num_classes=3)
    weights = np.random.default_rng(0).dirichlet(np.ones(3), 4).astype(np.float32)
    sample = make_sampler(game.maps["sample"], fields_of((2,), 3))
    made = sample(state.variables, KEY, {"label": weights}, np.arange(4))
    expected = sampled(game, state.variables, KEY, jnp.arange(4), jnp.array(weights))
    np.testing.assert_allclose(made, expected, rtol=1e-5)


def test_samples_are_decoded_latents(tiny):
    game, _, state = start(tiny(), num_classes=3)
    index, labels = jnp.arange(4), jnp.array([0, 1, 2, 0])
    z = game.spaces["z"].draw(state.variables, KEY, index, {})
    decoded = game.spaces["z"].decode(state.variables, z, {"label": labels}, None, None)
    np.testing.assert_array_equal(decoded, sampled(game, state.variables, KEY, index, labels))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_learns_a_shifted_gaussian(tiny, dtype):
    """A whole game: noise around the origin moves onto a blob around (2, -1) with deviation 0.5."""
    changes = {"terms.r1": {"weight": 0.5}, "networks.latent_size": 2, "dtype": dtype}
    for player in ("generator", "discriminator"):
        changes |= {"optimizers.default.learning_rate": 5e-3, f"networks.{player}.width": 32}
    game, optimizers, state = start(tiny(**changes))
    play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.98), static_argnums=3, donate_argnums=0)
    rng = np.random.default_rng(0)
    for step in range(800):
        real = np.array([2, -1]) + 0.5 * rng.normal(size=(1, 64, 2))
        batch = {"image": real.astype(np.float32), "index": np.arange(64, dtype=np.int32)[None]}
        state, _ = play(state, prepare({}, batch, fields_of((2,))), KEY, due(game, step))
    variables = {"generator": {"params": state.ema["generator"]}}
    made = np.asarray(sampled(game, variables, KEY, jnp.arange(2000)))
    np.testing.assert_allclose(made.mean(axis=0), [2, -1], atol=0.2)
    np.testing.assert_allclose(made.std(axis=0), [0.5, 0.5], atol=0.2)


def test_bfloat16_trains_as_another_seed_would():
    """Thirty rounds of a small DCGAN on digits: losses differ from those in float32 by less than those of two seeds."""

    def losses_of(seed, dtype):
        config = config_for()
        config.dtype = dtype
        config.networks.generator.width = config.networks.discriminator.width = 8
        game, optimizers, state = start(config, (28, 28, 1))
        play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.98), static_argnums=3, donate_argnums=0)
        stream, seen = Stream(open_source(config.data), batch_size=16, seed=seed, resident=False), []
        for step in range(30):
            state, metrics = play(
                state, prepare({}, next(stream), fields_of((28, 28, 1))), jax.random.key(seed), due(game, step)
            )
            seen.append([metrics["discriminator/loss"], metrics["generator/loss"]])
        return np.array(seen)

    first, rounded, second = losses_of(0, "float32"), losses_of(0, "bfloat16"), losses_of(1, "float32")
    assert 0 < np.abs(rounded - first).mean() < 0.5 * np.abs(second - first).mean()


def test_packed_examples_are_discriminated_together(tiny):
    game, variables, batch, values = turn_values(tiny(pac=2))
    network = mlp.Discriminator(width=8, depth=2)
    pairs = batch["image"].reshape(4, 4)
    real = network.apply(variables["discriminator"], pairs).logits
    fake = sampled(game, variables, jax.random.split(KEY)[0], batch["index"]).reshape(4, 4)
    fake = network.apply(variables["discriminator"], fake).logits
    expected = losses.non_saturating.discriminator(real, fake).mean()
    assert float(values["discriminator"][0]) == pytest.approx(float(expected), rel=1e-5)
    assert game.discriminate(variables, batch["image"]).shape == (8,)


def test_pack_puts_channels_side_by_side():
    images = np.arange(4 * 2 * 2 * 3).reshape(4, 2, 2, 3)
    packed = pack(jnp.array(images), 2)
    np.testing.assert_array_equal(packed[1], np.concatenate([images[2], images[3]], axis=-1))
    with pytest.raises(UserError, match=r"a batch of 4 .* cannot be packed by --config.pac=3"):
        pack(jnp.array(images), 3)


def test_a_larger_generator_batch_has_noise_of_its_own(tiny):
    game, variables, _, values = turn_values(tiny(generator_batch=3))
    everything = sampled(game, variables, KEY, jnp.concatenate([jnp.arange(8) + n * 16 for n in range(3)]))
    expected = jax.nn.softplus(-game.discriminate(variables, everything)).mean()  # 16 is the config's batch
    assert float(values["generator"][0]) == pytest.approx(float(expected), rel=1e-5)


def test_penalty_weight_follows_its_schedule(tiny):
    changes = {"terms.r1": {"weight": 4e4, "final": 0.25, "decay_kimg": 0.16}}  # so that it is nearly all of the loss
    loss_at = lambda step, **changes: float(turn_values(tiny(**changes), step=step)[-1]["discriminator"][0])
    seen = np.array([loss_at(step, **changes) for step in (0, 5, 10, 99)]) - loss_at(0)
    np.testing.assert_allclose(seen / seen[0], [1, (1 + 0.25) / 2, 0.25, 0.25], rtol=1e-4)


def test_spectral_estimates_move_once_a_turn_of_their_player(tiny):
    """Real and fake images are discriminated with the same sigma; neither the other's turn nor a penalty moves it."""
    spectral = {f"networks.{player}.spectral": True for player in ("generator", "discriminator")}
    config = tiny(**{"terms.r1": {"every": 2}}, **spectral)
    _, variables, batch, values = turn_values(config)
    for turn, player in (("discriminator", "discriminator"), ("generator", "generator")):
        network = SpectralNorm({"generator": mlp.Generator((2,), width=8, depth=2),
                                "discriminator": mlp.Discriminator(width=8, depth=2)}[player])  # fmt: skip
        x = {"generator": jnp.zeros((1, 4)), "discriminator": batch["image"]}[player]
        _, once = network.apply(variables[player], x, mutable=["spectral"])
        moved = values[turn][1][0]["spectral"]
        for path, u in once["spectral"].items():
            np.testing.assert_allclose(moved[path], u, rtol=1e-5)
    assert values["r1"][1][0] == {}


@pytest.mark.parametrize("prior, deviation, most", [("normal", 1.0, 5.0), ("uniform", 3**-0.5, 1.0)])
def test_the_prior_of_latents(tiny, prior, deviation, most):
    game, *_ = start(tiny(**{"networks.prior": prior}))
    z = np.asarray(game.spaces["z"].draw({}, KEY, jnp.arange(2000), {}))
    assert abs(z.mean()) < 0.03 and z.std() == pytest.approx(deviation, rel=0.03)
    assert 0.9 * min(most, 3) < np.abs(z).max() <= most


@pytest.mark.parametrize("paired", [False, True])
def test_a_pair_may_be_augmented_alike(tiny, paired):
    """Equal images, real and generated: the same draws make them equal for the discriminator too."""
    config = tiny(**{"augment.name": "diffaugment", "augment.paired": paired, "loss": "relativistic"})
    game, variables, batch, _ = turn_values(config, shape=(8, 8, 1))
    fake = sampled(game, variables, jax.random.split(KEY)[0], batch["index"])
    value, _ = game.turns[0].loss(variables, {**batch, "image": fake}, KEY)
    assert (float(value) == pytest.approx(math.log(2), abs=1e-6)) == paired


def test_statistics_of_the_averaged_generator_are_its_own(tiny):
    """Spectral normalization too is estimated anew where the averaged generator is calibrated."""
    config = tiny(**{"networks.generator.spectral": True, "networks.generator.norm": "batch"})
    game, variables, batch, _ = turn_values(config)
    new = game.calibrate(variables, KEY, batch["index"])["generator"]
    network = SpectralNorm(mlp.Generator((2,), width=8, depth=2, norm="batch"))
    _, expected = network.apply(
        variables["generator"], game.spaces["z"].draw({}, KEY, batch["index"], {}), mutable=["batch_stats", "spectral"]
    )
    for collection in ("batch_stats", "spectral"):
        jax.tree.map(np.testing.assert_allclose, new[collection], expected[collection])
        assert not jax.tree.all(jax.tree.map(np.allclose, new[collection], variables["generator"][collection]))


@pytest.mark.parametrize(
    "changes, shape, classes, message",
    [
        ({"augment.name": "diffaugment"}, (2,), 0, "needs images, these data are points"),
        ({"augment.name": "ada"}, (8, 8, 1), 0, "pipe='color,translation,cutout' of ada must be"),
        ({"terms.real_consistency": {}}, (2,), 0, "config.terms.real_consistency needs images, these data are points"),
        ({"pac": 2}, (2,), 3, "only examples without labels or codes can be packed"),
        ({"pac": 2, "codes.categories": 2, "terms.codes": {}}, (2,), 0, "without labels or codes can be packed"),
        ({"pac": 2, "terms.r1": {}}, (2,), 0, "which is of single examples"),
        ({"terms.r1": {"final": 0.5}}, (2,), 0, "needs decay_kimg"),
        ({"codes.categories": 5, "terms.codes": {}}, (2,), 0, "the codes are a part of the latents"),
        ({"codes.categories": 2}, (2,), 0, "belong together"),
        ({"terms.classes": {}}, (2,), 2, "belong together"),
        ({"networks.discriminator.conditioning": "auxiliary"}, (2,), 2, "belong together"),
        ({"terms.adversarial.weight": 0.0}, (2,), 0, "the generator learns from nothing"),
        ({"data.labeled": 4}, (2,), 2, "only the semi_supervised game has few labels"),
        ({"labels": "require"}, (2,), 0, "ring has no labels"),
    ],
)
def test_what_does_not_go_together_is_rejected(tiny, changes, shape, classes, message):
    with pytest.raises(UserError, match=message):
        config = tiny(**changes, **({"labels": "require"} if classes else {}))
        make_game(config, fields_of(shape, classes))


@pytest.mark.parametrize("changes, message", [({"augment.name": "adda"}, "must be one of none, diffaugment, ada")])
def test_names_that_are_not_there(tiny, changes, message):
    with pytest.raises(UserError, match=message):
        tiny(**changes)


def test_label_maps_are_images_with_a_channel_a_class():
    """What is sampled of noise are classes again."""
    config = config_for()
    field = Field(segmentation.MODALITY, (8, 8), ("a", "b", "c"), {"palette": [[0, 0, 0], [1, 1, 1], [2, 2, 2]]})
    fields = {"segmentation": field}
    game = make_game(config, fields)
    variables = jax.eval_shape(game.init, KEY)
    made = jax.eval_shape(game.maps["sample"].apply, variables, KEY, jnp.arange(5), {})
    assert made.shape == (5, 8, 8, 3) and game.maps["sample"].makes == "segmentation"
    assert field.modality.from_model(np.zeros(made.shape), field).shape == (5, 8, 8)
