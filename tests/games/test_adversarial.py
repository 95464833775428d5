"""The adversarial game: its losses from its logits, its samples, and that it learns."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import augment, losses, regularisers
from gan_jax.config import base_config
from gan_jax.data import Stream, open_source
from gan_jax.errors import UserError
from gan_jax.game import due, init_state, make_round
from gan_jax.games.adversarial import make_game, pack
from gan_jax.networks import mlp
from gan_jax.networks.spectral import SpectralNorm
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


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_learns_a_shifted_gaussian(tiny, dtype):
    """A whole game: noise around the origin moves onto a blob around (2, -1) with deviation 0.5."""
    changes = {"penalty.name": "r1", "penalty.weight": 0.5, "networks.latent_size": 2, "dtype": dtype}
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


def test_bfloat16_trains_as_another_seed_would():
    """Thirty rounds of a small DCGAN on digits: losses differ from those in float32 by less than those of two seeds."""

    def losses_of(seed, dtype):
        config = base_config()
        config.dtype = dtype
        config.networks.generator.width = config.networks.discriminator.width = 8
        game, optimizers, state = start(config, (28, 28, 1))
        play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.98), static_argnums=3, donate_argnums=0)
        stream, seen = Stream(open_source(config.data), batch_size=16, seed=seed, resident=False), []
        for step in range(30):
            state, metrics = play(state, prepare({}, next(stream)), jax.random.key(seed), due(game, step))
            seen.append([metrics["discriminator/loss"], metrics["generator/loss"]])
        return np.array(seen)

    first, rounded, second = losses_of(0, "float32"), losses_of(0, "bfloat16"), losses_of(1, "float32")
    assert 0 < np.abs(rounded - first).mean() < 0.5 * np.abs(second - first).mean()


def turn_values(config, shape=(2,), num_classes=0, batch=8, step=0):
    """(game, variables, batch, {turn: (value, (updates, metrics))}) of a game at its start."""
    game, _, state = start(config, shape, num_classes)
    rng = np.random.default_rng(0)
    seen = {"image": rng.normal(size=(batch, *shape)).astype(np.float32), "index": jnp.arange(batch), "step": step}
    seen["label"] = jnp.arange(batch) % max(num_classes, 1)
    values = {turn.name: turn.loss(state.variables, seen, KEY) for turn in game.turns}
    return game, state.variables, seen, values


def added(tiny, turn, changes, **data):
    """What `changes` add to the loss of a turn, and the metrics with them."""
    *_, plain = turn_values(tiny(), **data)
    *_, changed = turn_values(tiny(**changes), **data)
    return float(changed[turn][0] - plain[turn][0]), changed[turn][1][1]


@pytest.mark.parametrize(
    "turn, weight, metric, changes",
    [
        ("discriminator", "penalty.weight", "penalty", {"penalty.name": "r1"}),
        ("discriminator", "consistency.latent", "latent_consistency", {"consistency.sigma": 1.0}),
        ("discriminator", "lecam.weight", "lecam", {}),
        ("generator", "generator_loss.feature_matching", "feature_matching", {}),
        ("generator", "consistency.diversity", "diversity", {"consistency.sigma": 1.0}),
    ],
)
def test_a_term_is_added_with_its_weight_and_told(tiny, turn, weight, metric, changes):
    (once, metrics), (thrice, _) = (added(tiny, turn, {weight: value, **changes}) for value in (2.0, 6.0))
    assert once == pytest.approx(float(metrics[metric]), rel=1e-3, abs=1e-6)
    assert thrice == pytest.approx(3 * once, rel=1e-3) and (once < 0 if metric == "diversity" else once > 0)


def test_an_adversarial_term_of_the_generator_has_its_weight(tiny):
    values = [turn_values(tiny(**{"generator_loss.adversarial": weight}))[-1]["generator"][0] for weight in (1.0, 0.5)]
    assert float(values[0]) == pytest.approx(2 * float(values[1]))


@pytest.mark.parametrize("weight", ["real", "fake"])
def test_consistency_with_augmentations_of_images(tiny, weight):
    difference, metrics = added(tiny, "discriminator", {f"consistency.{weight}": 10.0}, shape=(8, 8, 1))
    assert difference == pytest.approx(float(metrics[f"{weight}_consistency"]), rel=1e-3) and difference > 0


def test_lecam_pulls_to_moving_averages_of_the_other_sort(tiny):
    config = tiny(**{"lecam.weight": 3.0, "lecam.decay": 0.9})
    game, variables, batch, _ = turn_values(config)
    own = {**variables["discriminator"], "lecam": {"real": jnp.float32(1), "fake": jnp.float32(-2)}}
    _, (updates, metrics) = game.turns[0].loss({**variables, "discriminator": own}, batch, KEY)
    real = np.asarray(game.judge(variables, batch["image"]))
    fake = np.asarray(game.judge(variables, game.sample(variables, jax.random.split(KEY)[0], batch["index"])))
    expected = 3 * (np.mean((real + 2) ** 2) + np.mean((fake - 1) ** 2))
    assert float(metrics["lecam"]) == pytest.approx(expected, rel=1e-4)
    assert float(updates["lecam"]["real"]) == pytest.approx(0.9 * 1 + 0.1 * real.mean(), rel=1e-4)
    assert float(updates["lecam"]["fake"]) == pytest.approx(0.9 * -2 + 0.1 * fake.mean(), rel=1e-4)
    assert variables["discriminator"]["lecam"] == {"real": 0, "fake": 0}


def test_top_k_learns_from_the_best_fakes_alone(tiny):
    game, variables, batch, values = turn_values(tiny(**{"top_k.share": 0.25}))
    logits = game.judge(variables, game.sample(variables, KEY, batch["index"]))
    best = np.sort(np.asarray(logits))[-2:]
    assert float(values["generator"][0]) == pytest.approx(float(np.log1p(np.exp(-best)).mean()), rel=1e-4)


def test_packed_examples_are_judged_together(tiny):
    game, variables, batch, values = turn_values(tiny(pac=2))
    network = mlp.Discriminator(width=8, depth=2)
    pairs = batch["image"].reshape(4, 4)
    real = network.apply(variables["discriminator"], pairs).logits
    fake = game.sample(variables, jax.random.split(KEY)[0], batch["index"]).reshape(4, 4)
    fake = network.apply(variables["discriminator"], fake).logits
    expected = losses.non_saturating.discriminator(real, fake).mean()
    assert float(values["discriminator"][0]) == pytest.approx(float(expected), rel=1e-5)
    assert game.judge(variables, batch["image"]).shape == (8,)


def test_pack_puts_channels_side_by_side():
    images = np.arange(4 * 2 * 2 * 3).reshape(4, 2, 2, 3)
    packed = pack(jnp.array(images), 2)
    np.testing.assert_array_equal(packed[1], np.concatenate([images[2], images[3]], axis=-1))
    with pytest.raises(UserError, match=r"a batch of 4 .* cannot be packed by config.pac=3"):
        pack(jnp.array(images), 3)


def test_a_larger_generator_batch_has_noise_of_its_own(tiny):
    game, variables, _, values = turn_values(tiny(generator_batch=3))
    everything = game.sample(variables, KEY, jnp.concatenate([jnp.arange(8) + n * 16 for n in range(3)]))
    expected = jax.nn.softplus(-game.judge(variables, everything)).mean()  # 16 is the config's batch
    assert float(values["generator"][0]) == pytest.approx(float(expected), rel=1e-5)


def test_penalty_weight_follows_its_schedule(tiny):
    changes = {"penalty.name": "r1", "penalty.weight": 4.0, "penalty.final": 0.25, "penalty.decay_kimg": 0.16}
    seen = [
        float(turn_values(tiny(**changes), step=step)[-1]["discriminator"][1][1]["penalty"]) for step in (0, 5, 10, 99)
    ]
    np.testing.assert_allclose(np.array(seen) / seen[0], [1, (1 + 0.25) / 2, 0.25, 0.25], rtol=1e-4)


def test_spectral_estimates_move_once_a_turn_of_their_player(tiny):
    """Real and fake images are judged with the same sigma; neither the other's turn nor a penalty moves it."""
    changes = {"penalty.name": "r1", "penalty.every": 2}
    config = tiny(**changes)
    for player in ("generator", "discriminator"):
        config.networks[player].spectral = True
    _, variables, batch, values = turn_values(config)
    for turn, player in (("discriminator", "discriminator"), ("generator", "generator")):
        network = SpectralNorm({"generator": mlp.Generator((2,), width=8, depth=2),
                                "discriminator": mlp.Discriminator(width=8, depth=2)}[player])  # fmt: skip
        x = {"generator": jnp.zeros((1, 4)), "discriminator": batch["image"]}[player]
        _, once = network.apply(variables[player], x, mutable=["spectral"])
        moved = values[turn][1][0]["spectral"]
        for path, u in once["spectral"].items():
            np.testing.assert_allclose(moved[path], u, rtol=1e-5)
    assert values["penalty"][1][0] == {}


def test_an_auxiliary_classifier_is_trained_on_both_and_teaches_the_generator(tiny):
    config = tiny(**{"auxiliary.discriminator": 2.0, "auxiliary.generator": 0.1})
    config.networks.discriminator.conditioning = "auxiliary"
    game, variables, batch, values = turn_values(config, num_classes=3)
    network = mlp.Discriminator(num_classes=3, width=8, depth=2, conditioning="auxiliary")

    def wrong(images):
        classes = network.apply(variables["discriminator"], images, batch["label"]).classes
        return float(regularisers.cross_entropy(classes, batch["label"]).mean())

    fake = game.sample(variables, jax.random.split(KEY)[0], batch["index"], batch["label"])
    told = values["discriminator"][1][1]["classes"]
    assert float(told) == pytest.approx(2.0 * (wrong(batch["image"]) + wrong(fake)), rel=1e-5)
    fake = game.sample(variables, KEY, batch["index"], batch["label"])
    assert float(values["generator"][1][1]["classes"]) == pytest.approx(0.1 * wrong(fake), rel=1e-5)


def test_latent_codes(tiny):
    """InfoGAN: the last latents are a category and uniform numbers, which the discriminator's head reads."""
    config = tiny(**{"networks.latent_size": 9, "info.categories": 4, "info.continuous": 2, "info.weight": 0.5})
    game, variables, batch, values = turn_values(config)
    z = np.asarray(game.latents(KEY, jnp.arange(500)))
    noise, category, numbers = np.split(z, [3, 7], axis=1)
    assert set(np.unique(category)) == {0, 1} and (category.sum(axis=1) == 1).all()
    assert (category.mean(axis=0) > 0.15).all()
    assert np.abs(numbers).max() <= 1 and abs(numbers.std() - 3**-0.5) < 0.03
    assert abs(noise.std() - 1) < 0.1
    fake = game.decode(variables, game.latents(KEY, batch["index"]))
    read = mlp.Discriminator(width=8, depth=2, num_codes=6).apply(variables["discriminator"], fake).codes
    expected = 0.5 * regularisers.code_information(read, game.latents(KEY, batch["index"])[:, 3:], 4).mean()
    assert float(values["generator"][1][1]["codes"]) == pytest.approx(float(expected), rel=1e-5)


def test_adaptive_augmentation_is_remembered_by_the_discriminator(tiny):
    """Least squares, whose boundary is 1/2: a discriminator that says 0 of all is unsure of no real image."""
    changes = {"augment.name": "ada", "augment.policy": "bgc", "augment.speed_kimg": 0.01, "loss": "least_squares"}
    game, optimizers, state = start(tiny(**changes), (8, 8, 1))
    play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.98), static_argnums=3)
    batch = {"image": np.zeros((1, 16, 8, 8, 1), np.float32), "index": np.arange(16, dtype=np.int32)[None]}
    for step in range(9):
        state, metrics = play(state, prepare({}, batch), KEY, due(game, step))
    memory = state.variables["discriminator"]["augment"]
    assert set(memory) == {"p", "signs", "turns"} and float(memory["turns"]) == 1  # of four, after nine
    assert 0 <= float(metrics["discriminator/p"]) <= 1


@pytest.mark.parametrize("policy, name", [("color,translation,cutout", "diffaugment"), ("bgc", "ada")])
def test_real_and_fake_images_are_augmented(tiny, monkeypatch, policy, name):
    """Each sort in each turn: an augmentation that adds 1 leaves its mark on both logits."""
    monkeypatch.setattr(augment, name, lambda images, *rest, **settings: images + 1)
    changes = {"augment.name": name, "augment.policy": policy, "augment.target": 0.0, "augment.p": 1.0}
    game, variables, batch, values = turn_values(tiny(**changes, loss="relativistic"), shape=(8, 8, 1))
    real = game.judge(variables, batch["image"] + 1)
    for turn, key in (("discriminator", jax.random.split(KEY)[0]), ("generator", KEY)):
        fake = game.judge(variables, game.sample(variables, key, batch["index"]) + 1)
        expected = getattr(losses.relativistic, turn)(real, fake).mean()
        assert float(values[turn][0]) == pytest.approx(float(expected), rel=1e-5)


def test_an_augmentation_without_a_target_rises_to_its_probability(tiny, monkeypatch):
    """R3GAN's schedule, half of a cosine: p = 0, p / 2 in the middle, p from there on."""
    seen = []
    monkeypatch.setattr(augment, "ada", lambda images, key, index, p, **settings: (seen.append(float(p)), images)[1])
    changes = {"augment.name": "ada", "augment.policy": "b", "augment.target": 0.0, "augment.p": 0.6}
    config = tiny(**changes, **{"augment.speed_kimg": 0.16})
    game, variables, batch, _ = turn_values(config, shape=(8, 8, 1))
    seen.clear()
    for step in (0, 5, 10, 99):  # 16 images each
        game.turns[0].loss(variables, {**batch, "step": step}, KEY)
    np.testing.assert_allclose(seen[::2], [0, 0.3, 0.6, 0.6], atol=1e-6)


def test_statistics_of_the_averaged_generator_are_its_own(tiny):
    """Spectral normalisation too is estimated anew where the averaged generator is calibrated."""
    config = tiny()
    config.networks.generator.update(spectral=True, norm="batch")
    game, variables, batch, _ = turn_values(config)
    new = game.calibrate(variables, KEY, batch["index"])["generator"]
    network = SpectralNorm(mlp.Generator((2,), width=8, depth=2, norm="batch"))
    _, expected = network.apply(
        variables["generator"], game.latents(KEY, batch["index"]), mutable=["batch_stats", "spectral"]
    )
    for collection in ("batch_stats", "spectral"):
        jax.tree.map(np.testing.assert_allclose, new[collection], expected[collection])
        assert not jax.tree.all(jax.tree.map(np.allclose, new[collection], variables["generator"][collection]))


@pytest.mark.parametrize(
    "changes, shape, classes, message",
    [
        ({"augment.name": "diffaugment"}, (2,), 0, "these data are points"),
        ({"augment.name": "adda"}, (8, 8, 1), 0, "must be none, diffaugment or ada"),
        ({"augment.name": "ada"}, (8, 8, 1), 0, "pipe='color,translation,cutout' of ada must be"),
        ({"consistency.real": 1.0}, (2,), 0, "these data are points"),
        ({"pac": 2}, (2,), 3, "only examples without labels or codes can be packed"),
        ({"pac": 2, "info.categories": 2}, (2,), 0, "only examples without labels or codes can be packed"),
        ({"pac": 2, "penalty.name": "r1"}, (2,), 0, "a gradient penalty is of single examples"),
        ({"penalty.name": "r1", "penalty.final": 0.5}, (2,), 0, "needs config.penalty.decay_kimg"),
        ({"info.categories": 5}, (2,), 0, "the codes are a part of the latents"),
        ({"data.labelled": 4}, (2,), 2, "only the semi_supervised game has few labels"),
    ],
)
def test_what_does_not_go_together_is_refused(tiny, changes, shape, classes, message):
    with pytest.raises(UserError, match=message):
        make_game(tiny(**changes), shape, classes)
