"""The semi-supervised game: its losses from its logits, what it looks at, and that it learns from few labels."""

import dataclasses
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny import get_config

from gan_jax import augment, data
from gan_jax.data.arrays import digits
from gan_jax.data.split import split
from gan_jax.data.stream import rows
from gan_jax.errors import UserError
from gan_jax.evaluate import evaluate_run
from gan_jax.experiment import build
from gan_jax.game import due, make_round
from gan_jax.games.semi_supervised import make_game
from gan_jax.images import to_float
from gan_jax.networks.improved import Discriminator
from gan_jax.runners import make_runner, prepare
from gan_jax.sampling import load_run, make_averager
from gan_jax.train import train

KEY = jax.random.key(1)


def config_for(weight=1.0, noise=0.0, width=16, consistency=0.0, **changes):
    config = get_config()
    config.game, config.labels = "semi_supervised", "require"
    with config.unlocked():
        config.semi_supervised = {"unlabeled_weight": weight, "consistency": consistency}
    config.networks.generator = {"name": "improved", "width": width}
    config.networks.discriminator = {"name": "improved", "width": width, "input_noise": noise, "noise": noise}
    config.update_from_flattened_dict(changes)
    return config


def a_batch(labeled=True):
    rng = np.random.default_rng(0)
    batch = {"image": rng.normal(size=(6, 2)), "label": rng.integers(0, 3, 6), "index": np.arange(6), "step": 0}
    if labeled:
        batch |= {"labeled_image": rng.normal(size=(6, 2)), "labeled_label": rng.integers(0, 3, 6)}
    return jax.tree.map(jnp.asarray, batch)


def start(config):
    game = make_game(config, (2,), 3)
    return game, game.init(KEY)


def making(variables, point):
    """The variables, with a generator that makes one point whatever its noise."""
    generator = variables["generator"]
    last = {**generator["params"]["WeightNorm_0"], "length": jnp.zeros(2), "bias": jnp.array(point)}
    params = {**generator["params"], "WeightNorm_0": last}
    return {**variables, "generator": {**generator, "params": params}}


def mean_log(values):
    return np.mean(np.log(values))


@pytest.mark.parametrize("labeled", [True, False])
@pytest.mark.parametrize("weight", [1.0, 0.3, 0.0])
def test_the_classifiers_loss_is_the_papers(labeled, weight):
    """Salimans et al. 2016, section 5, with probabilities of K + 1 classes; without `labeled` all examples are."""
    game, variables = start(config_for(weight))
    variables, batch = making(variables, [0.5, -1.0]), a_batch(labeled)
    value, (updates, metrics) = game.turns[0].loss(variables, batch, KEY)
    x, y = (batch[f"labeled_{name}" if labeled else name] for name in ("image", "label"))
    softmax = lambda logits: np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    logits = lambda points: np.asarray(game.classify(variables, points), np.float64)
    with_generated = lambda points: softmax(np.concatenate([logits(points), np.zeros((len(points), 1))], axis=-1))
    supervised = -mean_log(softmax(logits(x))[np.arange(6), y])
    generated = with_generated(np.array([[0.5, -1.0]]))[:, -1]
    unlabeled = -0.5 * mean_log(1 - with_generated(batch["image"])[:, -1]) - 0.5 * mean_log(generated)
    assert float(value) == pytest.approx(supervised + weight * unlabeled, rel=1e-4)
    assert metrics["labeled_right"] == np.mean(logits(x).argmax(axis=-1) == y) and updates == {}
    assert [turn.name for turn in game.turns] == (["discriminator", "generator"] if weight else ["discriminator"])
    if weight:
        assert float(metrics["unlabeled"]) == pytest.approx(unlabeled, rel=1e-4)
        assert metrics["real_right"] == np.mean(with_generated(batch["image"])[:, -1] < 0.5)


@pytest.mark.parametrize("weight", [1.0, 0.0])
def test_probabilities_of_unlabeled_examples_shall_not_change(weight):
    """Their mean squared change between the two views that the loss has of them, times its weight."""
    (game, variables), (plain, _) = (start(config_for(weight, noise=1.0, consistency=c)) for c in (50.0, 0.0))
    batch = a_batch()
    (value, (_, metrics)), (without, _) = (g.turns[0].loss(variables, batch, KEY) for g in (game, plain))
    network = Discriminator(3, width=16, input_noise=1.0, noise=1.0)
    _, *keys = jax.random.split(KEY, 5)

    def probabilities(key):
        key = jax.random.split(key)[1]
        verdict = network.apply(variables["discriminator"], batch["image"], key=key, index=batch["index"])
        return np.asarray(jax.nn.softmax(verdict.classes))

    expected = np.mean((probabilities(keys[1]) - probabilities(keys[3])) ** 2)
    assert expected > 1e-4 and float(metrics["change"]) == pytest.approx(expected, rel=1e-4)
    assert float(value - without) == pytest.approx(50 * expected, rel=1e-3)
    assert [turn.name for turn in game.turns] == (["discriminator", "generator"] if weight else ["discriminator"])


def test_every_look_is_at_an_augmentation_of_its_own(monkeypatch):
    """Labeled, unlabeled twice and generated examples, then unlabeled and generated ones; the classes without."""
    seen = []

    def blank(images, key, index, policy):
        seen.append((jax.random.key_data(key).tolist(), policy))
        return jnp.zeros_like(images)

    monkeypatch.setattr(augment, "diffaugment", blank)
    config = config_for(consistency=1.0, **{"augment.name": "diffaugment", "augment.policy": "affine"})
    game = make_game(config, (8, 8, 1), 3)
    variables = game.init(KEY)
    noise = jax.random.normal(KEY, (2, 6, 8, 8, 1))
    batch = {**a_batch(), "image": noise[0], "labeled_image": noise[1]}
    values = []
    for turn, looks in zip(game.turns, (4, 2), strict=True):
        seen.clear()
        values.append(float(turn.loss(variables, batch, KEY)[0]))
        assert len(seen) == looks and len({str(key) for key, _ in seen}) == looks and seen[0][1] == "affine"
    seen.clear()
    classes = np.asarray(game.classify(variables, jnp.zeros((6, 8, 8, 1))), np.float64)
    assert not seen
    logit = np.log(np.exp(classes[0]).sum())
    labeled = np.mean(logit - classes[np.arange(6), batch["labeled_label"]])
    unlabeled = 0.5 * np.log1p(np.exp(-logit)) + 0.5 * np.log1p(np.exp(logit))
    assert values[0] == pytest.approx(labeled + unlabeled, rel=1e-5)
    assert values[1] == 0


def test_the_generator_matches_means_of_features():
    game, variables = start(config_for())
    batch = a_batch()
    loss = lambda point, images: game.turns[1].loss(making(variables, point), {**batch, "image": images}, KEY)
    point = [0.5, -1.0]
    value, (updates, metrics) = loss(point, jnp.tile(jnp.array(point), (6, 1)))
    assert float(value) == pytest.approx(0, abs=1e-10) and set(updates) == {"batch_stats"} and metrics == {}
    assert float(loss(point, batch["image"])[0]) > 1e-4


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_labels_of_unlabeled_examples_are_not_looked_at(noise):
    game, variables = start(config_for(noise=noise))
    batch = a_batch()
    for turn in game.turns:
        losses = [
            float(turn.loss(variables, {**batch, **changed}, KEY)[0])
            for changed in ({}, {"label": batch["label"][::-1]}, {"image": batch["image"][::-1] + 1})
        ]
        assert losses[0] == losses[1] != losses[2]


def test_noise_is_in_the_losses_and_not_in_the_classes():
    (quiet, variables), (noisy, _) = start(config_for()), start(config_for(noise=1.0))
    for turn, same in zip(noisy.turns, quiet.turns, strict=True):
        values = [float(t.loss(variables, a_batch(), key)[0]) for t, key in ((same, KEY), (turn, KEY))]
        assert values[0] != values[1]
    points = a_batch()["image"]
    np.testing.assert_array_equal(noisy.classify(variables, points), quiet.classify(variables, points))
    np.testing.assert_allclose(
        noisy.judge(variables, points), jax.nn.logsumexp(noisy.classify(variables, points), axis=-1), rtol=1e-6
    )


def test_samples_know_no_labels():
    experiment = build(config_for(), (2,), 3)
    game, variables = experiment.game, experiment.game.init(KEY)
    assert experiment.num_classes == 0
    index = jnp.arange(5)
    np.testing.assert_array_equal(
        game.sample(variables, KEY, index, jnp.arange(5)), game.decode(variables, game.latents(KEY, index))
    )
    assert game.latents(KEY, index).min() >= 0 and game.latents(KEY, index).max() <= 1


def test_one_zero_and_one_one_tell_all_others_with_a_generator():
    """0.2 % of other zeros and ones are taken for each other; 2 to 8 % if the two labels are all that is learned."""
    both = digits((8, 8), "stretch")
    both = both.select(np.flatnonzero(both.labels < 2))
    source = split(dataclasses.replace(both, class_names=("0", "1")), labeled=2, held_out=0.2, seed=0)
    tests = source.held_out.read(np.arange(len(source.held_out)))

    def error(weight):
        config = config_for(weight, noise=0.3, width=64, batch_size=64)
        for player in ("generator", "discriminator"):
            config.optimizers[player].learning_rate = 3e-3
        game, _, optimizers, _, init, *_ = build(config, source.image_shape, source.num_classes)
        state = init(np.uint32(0))
        play = jax.jit(make_round(game, optimizers, ema_decay=lambda step: 0.98), static_argnums=3, donate_argnums=0)
        for step in range(200):
            batch = source.read(rows(len(source), 64, 0, step)) | {"index": np.arange(64)}
            state, _ = play(state, prepare({}, jax.tree.map(lambda leaf: leaf[None], batch)), KEY, due(game, step))
        classes = game.classify(make_averager(game)(state), to_float(tests["image"]))
        return np.mean(np.asarray(classes).argmax(axis=-1) != tests["label"])

    assert error(1.0) < 0.01 < error(0.0)


def test_a_run_tells_its_test_error(tmp_path, capsys):
    changes = {"data.source": "moons", "data.labeled": 8, "data.held_out": 0.012, "batch_size": 16}
    changes |= {"evaluation.features": "points", "evaluation.metrics": "dc", "evaluation.num": 50, "eval_kimg": 0.08}
    workdir = tmp_path / "run"
    train(config_for(**changes), workdir, make_runner("pmap", 2))
    told = capsys.readouterr().err
    assert "moons: 98,800 examples 2, unconditional" in told
    assert re.search(r"round 10: .*test_error 0\.\d+", told) and "labeled right" in told
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    last = [line for line in lines if "evaluation/test_error" in line][-1]
    given = {"real": None, "num": 50, "seed": 0, "metrics": "dc", "features": "auto", "checkpoint": "last", "out": None}
    averaged, newest = (evaluate_run(workdir, ema=ema, **given) for ema in (True, False))
    assert averaged.results["test_error"] == pytest.approx(last["evaluation/test_error"])
    assert averaged.protocol["settings"]["test_error"] == {"held_out": 1200, "labeled": 8}
    assert averaged.protocol["fake"]["labels"] == "none" and 0 < newest.results["test_error"] < 1
    run = load_run(workdir)
    tests = data.open_source(run.config.data).held_out
    examples = tests.read(np.arange(len(tests)))
    classes = run.experiment.game.classify(make_averager(run.experiment.game)(run.state), examples["image"])
    wrong = np.asarray(classes).argmax(axis=-1) != examples["label"]
    assert averaged.results["test_error"] == wrong.mean()


@pytest.mark.parametrize(
    "changes, classes, message",
    [
        ({"penalty.name": "r1"}, 3, "config.penalty.name='r1': this game knows nothing of it, leave it 'none'"),
        ({"loss": "hinge"}, 3, "config.loss='hinge': this game knows nothing of it"),
        ({"n_critic": 2}, 3, "config.n_critic=2: this game knows nothing of it, leave it 1"),
        ({"labels": "ignore"}, 0, "learns classes: set config.labels=require"),
        ({"networks.discriminator.name": "mlp"}, 3, "config.networks.discriminator"),
        ({"augment.name": "ada"}, 3, "config.augment.name='ada': this game knows none and diffaugment"),
        ({"augment.name": "diffaugment"}, 3, "config.augment needs images, these data are points"),
    ],
)
def test_what_this_game_does_not_have_is_refused(changes, classes, message):
    with pytest.raises(UserError, match=message):
        make_game(config_for(**changes), (2,), classes)


def test_both_weights_must_be_there():
    config = config_for()
    with config.unlocked():
        del config.semi_supervised.consistency
    with pytest.raises(UserError, match=r"unlabeled_weight, config.semi_supervised.consistency, and no others"):
        make_game(config, (2,), 3)
