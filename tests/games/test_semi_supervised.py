"""The semi-supervised game: its losses from its logits, what it augments, and that it learns from few labels."""

import dataclasses
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from playing import fields_of
from tiny import changed

from gan_jax import augment, data
from gan_jax.config import config_for as new_config
from gan_jax.data.sources.digits import digits
from gan_jax.data.split import split
from gan_jax.data.stream import prepare, rows
from gan_jax.errors import UserError
from gan_jax.evaluate import evaluate_run
from gan_jax.experiment import build
from gan_jax.game import due, make_round
from gan_jax.games.semi_supervised import make_game
from gan_jax.images import to_float
from gan_jax.loop import train
from gan_jax.modalities import Field, label
from gan_jax.networks.improved import Discriminator
from gan_jax.run import load
from gan_jax.runners import make_runner
from gan_jax.sampling import make_averager

KEY = jax.random.key(1)
SHORT = {"batch_size": 16, "total_kimg": 0.16, "log_kimg": 0.08, "sample_kimg": 0.08, "checkpoint_kimg": 0.08}


def config_for(weight=1.0, noise=0.0, width=16, agreement=0.0, **changes):
    """`weight` and `agreement` are of the terms: 0: off."""
    config = new_config("semi_supervised")
    config.networks.latent_size = 4
    config.networks.generator = {"name": "improved", "width": width}
    config.networks.discriminator = {"name": "improved", "width": width, "input_noise": noise, "noise": noise}
    weights = {"supervised": 1.0, "unlabeled": weight, "agreement": agreement, "feature_matching": 1.0}
    config.terms = {name: {"weight": own} for name, own in weights.items() if own}
    return changed(config, {**SHORT, "data.source": "ring", "evaluation.features": "none", **changes})


def classify(game, variables, examples):
    """The logits of the classes."""
    given, makes, apply = game.maps["classify"]
    assert (given, makes) == (("image",), "label")
    return apply(variables, KEY, jnp.arange(len(examples)), {"image": examples})


def a_batch(labeled=True):
    rng = np.random.default_rng(0)
    batch = {"image": rng.normal(size=(6, 2)), "label": rng.integers(0, 3, 6), "index": np.arange(6), "step": 0}
    if labeled:
        batch["labeled"] = {"image": rng.normal(size=(6, 2)), "label": rng.integers(0, 3, 6)}
    return jax.tree.map(jnp.asarray, batch)


def start(config):
    game = make_game(config, fields_of((2,), 3))
    return game, jax.jit(game.init)(KEY)


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
    x, y = (batch.get("labeled", batch)[name] for name in ("image", "label"))
    softmax = lambda logits: np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    logits = lambda points: np.asarray(classify(game, variables, points), np.float64)
    with_generated = lambda points: softmax(np.concatenate([logits(points), np.zeros((len(points), 1))], axis=-1))
    supervised = -mean_log(softmax(logits(x))[np.arange(6), y])
    generated = with_generated(np.array([[0.5, -1.0]]))[:, -1]
    unlabeled = -0.5 * mean_log(1 - with_generated(batch["image"])[:, -1]) - 0.5 * mean_log(generated)
    assert float(value) == pytest.approx(supervised + weight * unlabeled, rel=1e-4)
    assert metrics["labeled_accuracy"] == np.mean(logits(x).argmax(axis=-1) == y) and updates == {}
    assert [turn.name for turn in game.turns] == (["discriminator", "generator"] if weight else ["discriminator"])
    if weight:
        assert float(metrics["unlabeled"]) == pytest.approx(unlabeled, rel=1e-4)
        assert metrics["real_accuracy"] == np.mean(with_generated(batch["image"])[:, -1] < 0.5)
        assert metrics["fake_accuracy"] == np.mean(generated > 0.5)
    assert float(metrics["supervised"]) == pytest.approx(supervised, rel=1e-4)
    assert ("unlabeled" in metrics) == ("fake_accuracy" in metrics) == (weight > 0)


@pytest.mark.parametrize("weight", [1.0, 0.0])
def test_probabilities_of_unlabeled_examples_shall_not_change(weight):
    """Their mean squared change between the two passes that the loss has of them, times its weight."""
    (game, variables), (plain, _) = (start(config_for(weight, noise=1.0, agreement=own)) for own in (50.0, 0.0))
    batch = a_batch()
    (value, (_, metrics)), (without, _) = (g.turns[0].loss(variables, batch, KEY) for g in (game, plain))
    network = Discriminator(3, width=16, input_noise=1.0, noise=1.0)
    _, *keys = jax.random.split(KEY, 5)

    def probabilities(key):
        key = jax.random.split(key)[1]
        output = network.apply(variables["discriminator"], batch["image"], key=key, index=batch["index"])
        return np.asarray(jax.nn.softmax(output.classes))

    expected = np.mean((probabilities(keys[1]) - probabilities(keys[3])) ** 2)
    assert expected > 1e-4 and float(metrics["agreement"]) == pytest.approx(expected, rel=1e-4)
    assert float(value - without) == pytest.approx(50 * expected, rel=1e-3)
    assert [turn.name for turn in game.turns] == (["discriminator", "generator"] if weight else ["discriminator"])


def test_every_pass_has_an_augmentation_of_its_own(monkeypatch):
    """Labeled, unlabeled twice and generated examples, then unlabeled and generated ones; the classes without."""
    seen = []

    def blank(images, key, index, policy):
        seen.append((jax.random.key_data(key).tolist(), policy))
        return jnp.zeros_like(images)

    monkeypatch.setattr(augment, "diffaugment", blank)
    config = config_for(agreement=1.0, **{"augment.name": "diffaugment", "augment.policy": "affine"})
    game = make_game(config, fields_of((8, 8, 1), 3))
    variables = game.init(KEY)
    noise = jax.random.normal(KEY, (2, 6, 8, 8, 1))
    batch = {**a_batch(), "image": noise[0]}
    batch["labeled"] = {**batch["labeled"], "image": noise[1]}
    values = []
    for turn, passes in zip(game.turns, (4, 2), strict=True):
        seen.clear()
        values.append(float(turn.loss(variables, batch, KEY)[0]))
        assert len(seen) == passes and len({str(key) for key, _ in seen}) == passes and seen[0][1] == "affine"
    seen.clear()
    classes = np.asarray(classify(game, variables, jnp.zeros((6, 8, 8, 1))), np.float64)
    assert not seen
    logit = np.log(np.exp(classes[0]).sum())
    labeled = np.mean(logit - classes[np.arange(6), batch["labeled"]["label"]])
    unlabeled = 0.5 * np.log1p(np.exp(-logit)) + 0.5 * np.log1p(np.exp(logit))
    assert values[0] == pytest.approx(labeled + unlabeled, rel=1e-5)
    assert values[1] == 0


def test_the_generator_matches_means_of_features():
    game, variables = start(config_for())
    batch = a_batch()
    loss = lambda point, images: game.turns[1].loss(making(variables, point), {**batch, "image": images}, KEY)
    point = [0.5, -1.0]
    value, (updates, metrics) = loss(point, jnp.tile(jnp.array(point), (6, 1)))
    assert float(value) == pytest.approx(0, abs=1e-10) and set(updates) == {"batch_stats"}
    assert metrics == {"feature_matching": value}
    assert float(loss(point, batch["image"])[0]) > 1e-4


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_labels_of_unlabeled_examples_are_not_used(noise):
    game, variables = start(config_for(noise=noise))
    batch = a_batch()
    for turn in game.turns:
        losses = [
            float(turn.loss(variables, {**batch, **others}, KEY)[0])
            for others in ({}, {"label": batch["label"][::-1]}, {"image": batch["image"][::-1] + 1})
        ]
        assert losses[0] == losses[1] != losses[2]


def test_noise_is_in_the_losses_and_not_in_the_classes():
    (quiet, variables), (noisy, _) = start(config_for()), start(config_for(noise=1.0))
    for turn, same in zip(noisy.turns, quiet.turns, strict=True):
        values = [float(t.loss(variables, a_batch(), key)[0]) for t, key in ((same, KEY), (turn, KEY))]
        assert values[0] != values[1]
    points = a_batch()["image"]
    classes = classify(noisy, variables, points)
    np.testing.assert_array_equal(classes, classify(quiet, variables, points))
    np.testing.assert_allclose(noisy.discriminate(variables, points), jax.nn.logsumexp(classes, axis=-1), rtol=1e-6)


def test_samples_know_no_labels():
    game, variables = start(config_for())
    (given, makes, apply), space, index = game.maps["sample"], game.spaces["z"], jnp.arange(5)
    assert (given, makes) == ((), "image")
    latents = space.draw(variables, KEY, index, {})
    np.testing.assert_array_equal(apply(variables, KEY, index, {}), space.decode(variables, latents, {}, None, None))
    assert latents.shape == (5, 4) and latents.min() >= 0 and latents.max() <= 1


def test_one_zero_and_one_one_tell_all_others_with_a_generator():
    """0.2 % of other zeros and ones are taken for each other; 2 to 8 % if the two labels are all that is learned."""
    both = digits((8, 8), "stretch")
    both = both.select(np.flatnonzero(both.labels < 2))
    fields = {**both.fields, "label": Field(label.MODALITY, (), ("0", "1"))}
    source = split(dataclasses.replace(both, fields=fields), labeled=2, held_out=0.2, seed=0)
    tests = source.splits["held_out"].everything()

    def error(weight):
        changes = {"batch_size": 64, "optimizers.default.learning_rate": 3e-3}
        experiment = build(config_for(weight, noise=0.3, width=64, **changes), source.fields)
        game, state = experiment.game, experiment.init(np.uint32(0))
        play_round = make_round(game, experiment.optimizers, ema_decay=lambda step: 0.98)
        play = jax.jit(play_round, static_argnums=3, donate_argnums=0)
        for step in range(200):
            batch = source.read(rows(len(source), 64, 0, step)) | {"index": np.arange(64)}
            batch = prepare({}, jax.tree.map(lambda leaf: leaf[None], batch), source.fields)
            state, _ = play(state, batch, KEY, due(game, step))
        classes = classify(game, make_averager(game)(state), to_float(tests["image"]))
        return np.mean(np.asarray(classes).argmax(axis=-1) != tests["label"])

    assert error(1.0) < 0.01 < error(0.0)


def test_a_run_logs_its_test_error(tmp_path, capsys):
    changes = {"data.source": "moons", "data.labeled": 8, "data.held_out": 0.012, "batch_size": 16}
    changes |= {"evaluation.features": "points", "evaluation.num": 50, "eval_kimg": 0.08}
    workdir = tmp_path / "run"
    train(config_for(**changes), workdir, make_runner("pmap", 2))
    logged = capsys.readouterr().err
    assert "moons: 98,800 examples 2, unconditional" in logged
    assert re.search(r"round 10: .*test_error 0\.\d+", logged) and "labeled accuracy" in logged
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    last = [line for line in lines if "evaluation/test_error" in line][-1]
    given = {
        "real": None,
        "num": 50,
        "seed": 0,
        "metrics": "watched",
        "features": "auto",
        "checkpoint": "last",
        "out": None,
    }
    averaged, newest = (evaluate_run(workdir, ema=ema, **given) for ema in (True, False))
    assert averaged.results["test_error"] == pytest.approx(last["evaluation/test_error"])
    assert averaged.protocol["settings"]["classify"] == {"held_out": 1200, "labeled": 8}
    assert averaged.protocol["fake"]["labels"] == "none" and 0 < newest.results["test_error"] < 1
    run = load(workdir)
    tests = data.open_source(run.config.data).splits["held_out"].everything()
    wrong = run.apply("classify", {"points": tests["points"]}) != tests["label"]
    assert averaged.results["test_error"] == wrong.mean()


@pytest.mark.parametrize(
    "changes, classes, message",
    [
        ({"terms.r1": {}}, 3, "config.terms.r1: there is no such term in this game"),
        ({"terms.classes": {}}, 3, "config.terms.classes: there is no such term in this game"),
        ({"loss": "hinge"}, 3, "config.loss: there is no such key"),
        ({"n_critic": 2}, 3, "config.n_critic: there is no such key"),
        ({}, 0, "learns classes, but ring has no labels"),
        ({"networks.discriminator": {"name": "mlp"}}, 3, "--config.networks.discriminator.name=mlp"),
        ({"augment.name": "ada"}, 3, "config.augment.name='ada': must be one of none, diffaugment"),
        ({"augment.target": 0.5}, 3, "config.augment.target: there is no such key"),
        ({"augment.name": "diffaugment"}, 3, "--config.augment needs images"),
        ({"data.task": "edges"}, 3, "--config.data.task: for games that translate"),
        ({"terms": {"feature_matching": {}}}, 3, "the discriminator learns from nothing"),
        ({"terms": {"unlabeled": {}}}, 3, "the generator learns from nothing"),
        ({"networks.discriminator.spectral": True}, 3, "not divided by singular values"),
        ({"terms.x": {"function": "gan_jax.terms.r1", "every": 4}}, 3, "config.terms: r1 is lazy"),
    ],
)
def test_what_this_game_does_not_have_is_rejected(changes, classes, message):
    with pytest.raises(UserError, match=message):
        make_game(config_for(**changes), fields_of((2,), classes))


def test_terms_are_those_of_the_paper_by_default():
    assert new_config("semi_supervised").terms.to_dict() == {
        "supervised": {"weight": 1.0}, "unlabeled": {"weight": 1.0}, "feature_matching": {"weight": 1.0},
    }  # fmt: skip
