"""A kind of data, its source, a metric, a term, a game and a mode, all of them here: no tool is edited for any.

This file is a user's module: names in the config below are its own name, and what they mean is found in it.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags
from PIL import Image

import gan_jax
from gan_jax import cli, losses, networks, own_code, terms
from gan_jax.data.source import Source
from gan_jax.evaluation.features import Extractor, Features
from gan_jax.evaluation.metrics import Metric
from gan_jax.game import Game, Map, Turn
from gan_jax.keys import Key, Weight
from gan_jax.modalities import Field, Modality
from gan_jax.noise import per_example
from gan_jax.terms import Term

ME, LENGTH = __name__, 40


# The kind: curves, float32 [40], kept in units that its field says.


def draw_curves(stored, field, height=40):
    """Black on white, uint8 [n, 40, 40, 1]."""
    pictures = np.full((len(stored), height, LENGTH, 1), 255, np.uint8)
    rows = np.clip((1 - stored / field.fitted["scale"]) / 2 * (height - 1), 0, height - 1).round().astype(int)
    for picture, row in zip(pictures, rows, strict=True):
        picture[row, np.arange(LENGTH)] = 0
    return pictures


def write_curves(stored, path, field, labels):
    np.savetxt(path, stored, delimiter=",")


def all_in_one(stored, field, *, labels=None, real=None, critic=None, title=""):
    return draw_curves(stored, field).min(axis=0)


MODALITY = Modality(
    name=ME,
    to_model=lambda stored, field: stored / field.fitted["scale"],
    from_model=lambda arrays, field: np.asarray(arrays * field.fitted["scale"], np.float32),
    thumbnails=draw_curves,
    sheet=all_in_one,
    watched=lambda field: 100,
    suffixes=(".csv",),
    write=write_curves,
    features=ME,
    metrics=(ME,),
)


# Its source.


def open_source(rest, config):
    """Sines of the frequency that follows the colon, a phase each."""
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (500, 1))
    curves = 3 * np.sin(int(rest) * np.linspace(0, 2 * np.pi, LENGTH) + phase)
    return Source({"curve": Field(MODALITY, (LENGTH,), fitted={"scale": 3.0})}, {"curve": curves.astype(np.float32)})


# What it is measured by.

EXTRACTOR = Extractor(lambda path, field: Features("curves", None, lambda _, x: (x, None), 128, learned=False), (ME,))


def distance_of_means(inputs):
    difference = inputs.fake_stats.moments.mean - inputs.real_stats.moments.mean
    return {"mean_distance": float(np.linalg.norm(difference))}


METRIC = Metric(distance_of_means, better={"mean_distance": 1})


# A term, and a game that knows it by its own name, and others by theirs.


def smooth(weight: Weight = 1.0, order: int = 2) -> Term:
    """The squared differences of neighboring values.

    Args:
        weight: of the term.
        order: of the differences.
    """
    return Term("smooth", "generator", lambda c: jnp.mean(jnp.diff(c.fake, order) ** 2), weight)


KEYS = {
    "latent_size": Key(4, "Z", 1, 100),
    "terms": terms.keys({"adversarial": terms.adversarial}),
    "networks": {
        "generator": networks.keys("Generator", name="mlp", width=16, depth=1),
        "discriminator": networks.keys("Discriminator", name="mlp", width=16, depth=1),
    },
}
DEFAULTS = {"terms": {"adversarial": {}}}


def make_game(config, fields):
    shape, loss = fields["curve"].shape, losses.non_saturating
    generator = networks.build(config, "Generator", shape=shape)
    discriminator = networks.build(config, "Discriminator")
    own_terms = terms.make_terms(config.terms, {"adversarial": terms.adversarial})
    latents = lambda key, index: per_example(jax.random.normal, key, index, (config.latent_size,))

    class Context:
        def __init__(self, variables, batch, key):
            self.loss, self.kimg = loss, batch["step"] * config.batch_size / 1000
            self.fake = generator.apply(variables["generator"], latents(key, batch["index"]))
            outputs = (discriminator.apply(variables["discriminator"], x) for x in (batch["curve"], self.fake))
            self.on_real, self.on_fake = outputs

    def discriminator_loss(variables, batch, key):
        c = Context(variables, batch, key)
        return jnp.mean(loss.discriminator(c.on_real.logits, c.on_fake.logits)), ({}, {})

    def generator_loss(variables, batch, key):
        return terms.total(own_terms, Context(variables, batch, key))

    def init(key):
        keys = jax.random.split(key)
        players = {"generator": generator, "discriminator": discriminator}
        shapes = (config.latent_size,), shape
        inputs = (jnp.zeros((1, *each)) for each in shapes)
        return {name: net.init(k, x) for (name, net), k, x in zip(players.items(), keys, inputs, strict=True)}

    def sample(variables, key, index, given):
        return generator.apply(variables["generator"], latents(key, index))

    turns = (Turn("discriminator", "discriminator", discriminator_loss), Turn("generator", "generator", generator_loss))
    return Game(init, turns, {"sample": Map((), "curve", sample)})


# A mode.


def define(values):
    flags.DEFINE_string("workdir", None, "The run's folder.", flag_values=values)
    flags.DEFINE_integer("num", 3, "How many.", flag_values=values)


def run(*, workdir, num):
    print("highest", gan_jax.load(workdir).sample(num).max())


def get_config(kimg):
    config = gan_jax.config_for(ME)
    config.data.source = f"{ME}:2"
    config.terms.smooth = {"function": f"{ME}.smooth", "order": 1}
    config.optimizers.default = {"name": "sgd", "learning_rate": 0.01, "momentum": 0.5}
    config.batch_size, config.total_kimg, config.evaluation.num = 8, kimg, 100
    config.log_kimg = config.sample_kimg = config.eval_kimg = config.checkpoint_kimg = 0.04
    return config


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """Five rounds."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("GAN_JAX_STATE", str(tmp_path_factory.mktemp("state")))
    workdir = tmp_path_factory.mktemp("curves") / "run"
    gan_jax.train(get_config(0.04), workdir)
    yield workdir
    monkeypatch.undo()


def test_it_is_watched_and_evaluated_while_it_trains(workdir):
    assert Image.open(workdir / "samples" / "000005.png").size == (LENGTH, 40)
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    assert any("evaluation/mean_distance" in line for line in lines)
    (losses_of_round,) = (line for line in lines if "generator/loss" in line)
    assert losses_of_round["generator/smooth"] > 0 and losses_of_round["generator/adversarial"] > 0


def in_mode(mode, *arguments):
    cli.main(["gan_jax", f"--mode={mode}", *arguments])


def test_it_is_sampled_to_a_file(workdir, tmp_path):
    in_mode("sample", f"--workdir={workdir}", f"--out={tmp_path / 'curves.csv'}", "--num=7")
    curves = np.loadtxt(tmp_path / "curves.csv", delimiter=",")
    assert curves.shape == (7, LENGTH) and np.isfinite(curves).all()
    np.testing.assert_allclose(gan_jax.load(workdir).sample(7), curves, rtol=1e-5, atol=1e-6)


def test_it_is_evaluated(workdir, tmp_path, capsys):
    in_mode("evaluate", f"--workdir={workdir}", "--num=50", f"--out={tmp_path / 'report.json'}")
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report["results"]) >= {"mean_distance"} and report["protocol"]["features"] == "curves"


def test_a_mode_of_ones_own(workdir, capsys):
    in_mode(ME, f"--workdir={workdir}", "--num=2")
    assert capsys.readouterr().out.startswith("highest ")


def test_it_is_resumed(workdir):
    gan_jax.train(get_config(0.08), workdir)
    assert int(gan_jax.load(workdir).state.step) == 10


def test_a_downloaded_run_of_it_is_not_executed(workdir, tmp_path):
    """The same folder elsewhere: nothing in it can say that its modules may be imported."""
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_bytes((workdir / "config.json").read_bytes())
    (copy / "checkpoints").mkdir()
    with own_code.trusting(copy), pytest.raises(gan_jax.errors.UserError, match=r"give the folder .* as --code=FOLDER"):
        gan_jax.load(copy)
