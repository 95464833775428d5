"""Runs of older versions: their configs and records are those of the same runs today."""

import functools
import json

import pytest
from old_run import CONFIG, OPTIMIZER, RECORD
from tiny import get_config
from translating import config_for

import gan_jax
from gan_jax import cli, migration, modalities
from gan_jax import config as configs
from gan_jax.data import fields_of, open_source
from gan_jax.errors import UserError

PLAYERS = ("generator", "discriminator")


def loaded_from_0_1(folder, changes):
    """What a config of 0.1.0 with {"dotted.key": value} is now."""
    written = json.loads(json.dumps(CONFIG))
    for key, value in changes.items():
        *groups, last = key.split(".")
        functools.reduce(dict.__getitem__, groups, written)[last] = value
    (folder / "config.json").write_text(json.dumps(written))
    return configs.load(folder / "config.json")


@pytest.mark.parametrize(
    "old, new",
    [
        ({}, {}),
        ({"penalty.name": "r1", "penalty.weight": 0.2}, {"terms.r1": {"weight": 0.2}}),
        ({"penalty.weight": 0.2, "lecam.weight": 0.3}, {"terms.lecam": {"weight": 0.3, "start": 0}}),
        ({"consistency.latent": 5.0, "consistency.sigma": 0.1}, {"terms.latent_consistency": {"sigma": 0.1}}),
        ({"generator_loss.feature_matching": 2.0}, {"terms.feature_matching": {"weight": 2.0}}),
        ({"info.categories": 2, "info.weight": 0.5}, {"codes.categories": 2, "terms.codes": {"weight": 0.5}}),
        ({"data.labelled": 40}, {"data.labeled": 40}),
        (
            {"labels": "require", "networks.discriminator": {"name": "dcgan", "conditioning": "auxiliary"}},
            {
                "labels": "require", "terms.classes": {}, "terms.fake_classes": {},
                "networks.discriminator": {"name": "dcgan", "conditioning": "auxiliary"},
            },
        ),
        (
            {"optimizers.generator": {**OPTIMIZER, "learning_rate": 5e-4, "decay": "linear", "decay_kimg": 3.0}},
            {"optimizers.generator": {"learning_rate": 5e-4, "schedule": "linear", "decay_kimg": 3.0}},
        ),
        (
            {"optimizers.discriminator": {**OPTIMIZER, "name": "rmsprop", "b2": 0.99}},
            {"optimizers.discriminator": {"name": "rmsprop", "decay": 0.99, "eps_in_sqrt": False}},
        ),
    ],
)  # fmt: skip
def test_a_config_of_0_1_is_that_of_the_same_run_today(tmp_path, old, new):
    loaded_from_0_1(tmp_path, old)
    configs.reject_another(get_config(**new), tmp_path, PLAYERS)


def optimizers(discriminator=(), **own):
    """Of both players, with what they have in common."""
    both = {**OPTIMIZER, **own}
    return {"generator": both, "discriminator": {**both, **dict(discriminator)}}


def networks(generator, discriminator, latent_size=100):
    return {"latent_size": latent_size, "generator": generator, "discriminator": discriminator}


DCGAN = {"name": "dcgan", "norm": "batch", "width": 32}
COMMON = {"data.source": "digits", "evaluation.features": "auto"}
ON_DIGITS = {**COMMON, "batch_size": 32, "log_kimg": 4.0, "sample_kimg": 10.0, "checkpoint_kimg": 50.0}
SUPERRES = {"name": "srresnet", "norm": "none"}
FACADES = {
    "data.source": "folder:facades/train", "data.pair": "right_left", "data.flip": True, "evaluation.features": "auto",
    "evaluation.source": "folder:facades/val", "ema.half_life_kimg": 0.5, "log_kimg": 0.4, "sample_kimg": 2.0,
}  # fmt: skip
OF_THE_LIBRARY = {  # as 0.1.0 wrote them, but for what is in `CONFIG` already
    "wgan:digits": {
        **ON_DIGITS, "loss": "wasserstein", "n_critic": 5, "networks": networks(DCGAN, DCGAN, 32),
        "optimizers": optimizers(
            {"clip_weights": 0.01}, name="rmsprop", b2=0.99, learning_rate=5e-4, decay="linear", decay_kimg=250.0
        ),
        "total_kimg": 250.0,
    },
    "acgan:digits": {
        **ON_DIGITS, "labels": "require", "loss": "hinge", "auxiliary.generator": 0.1, "total_kimg": 100.0,
        "networks": networks(DCGAN, {**DCGAN, "norm": "none", "conditioning": "auxiliary", "spectral": True}, 32),
        "optimizers": optimizers(b1=0.0, b2=0.9, decay="linear", decay_kimg=100.0, learning_rate=2e-3),
    },
    "infogan": {
        **ON_DIGITS, "info.categories": 10, "info.continuous": 2, "total_kimg": 100.0,
        "penalty": {"name": "r1", "weight": 0.2, "every": 8, "final": 1.0, "decay_kimg": 0.0},
        "networks": networks(DCGAN, {**DCGAN, "norm": "none"}, 74),
        "optimizers": optimizers(decay="linear", decay_kimg=100.0, learning_rate=2e-3),
    },
    "semi_supervised": {
        **ON_DIGITS, "game": "semi_supervised", "labels": "require", "data.labelled": 100, "data.held_out": 0.2,
        "semi_supervised": {"consistency": 100.0, "unlabelled_weight": 1.0}, "batch_size": 100,
        "augment.name": "diffaugment", "augment.policy": "affine", "log_kimg": 5.0, "sample_kimg": 20.0,
        "networks": networks(
            {"name": "improved", "width": 500}, {"name": "convnet", "width": 16, "input_noise": 0.3, "noise": 0.5}
        ),
        "optimizers": optimizers(decay="linear", decay_kimg=300.0, learning_rate=2e-3), "total_kimg": 300.0,
    },
    "digits_superres": {
        **COMMON, "game": "srgan", "data.task": "superres", "data.held_out": 0.1, "batch_size": 32,
        "srgan": {
            "pixel": 1.0, "perceptual": 0.01, "adversarial": 0.01, "features": "classifier", "warmup_kimg": 60.0,
        },
        "networks": networks({**SUPERRES, "width": 32, "blocks": 4}, {**SUPERRES, "width": 8}),
        "optimizers": optimizers(
            b1=0.9, decay="linear", hold_kimg=60.0, decay_kimg=60.0, final=0.1, learning_rate=1e-3
        ),
        "total_kimg": 120.0, "ema.half_life_kimg": 2.0, "log_kimg": 2.0, "sample_kimg": 10.0, "eval_kimg": 20.0,
        "checkpoint_kimg": 20.0,
    },
    "facades_pix2pix_128": {
        **FACADES, "game": "pix2pix", "pix2pix": {"l1": 100.0}, "data.image_size": 128, "data.jitter": 143,
        "networks": networks(
            {"name": "unet", "width": 32, "depth": 7}, {"name": "patch", "width": 32, "layers": 2}
        ),
        "optimizers": optimizers(decay="linear", hold_kimg=12.0, decay_kimg=12.0, learning_rate=4e-4),
        "batch_size": 4, "total_kimg": 24.0, "eval_kimg": 4.0, "checkpoint_kimg": 4.0,
    },
    "facades_cyclegan:64": {
        **FACADES, "game": "cyclegan", "cyclegan": {"cycle": 10.0, "identity": 0.5, "pool": 50}, "data.paired": False,
        "data.image_size": 64, "data.jitter": 72, "loss": "least_squares", "generator_loss.adversarial": 2.0,
        "networks": networks(
            {"name": "translation", "width": 16, "blocks": 4},
            {"name": "patch", "width": 16, "layers": 2, "norm": "instance"},
        ),
        "optimizers": optimizers(decay="linear", hold_kimg=6.0, decay_kimg=6.0),
        "batch_size": 1, "total_kimg": 12.0, "eval_kimg": 2.0, "checkpoint_kimg": 2.0,
    },
}  # fmt: skip


CHANGED_SINCE = {
    "acgan:digits": {"terms.fake_classes.weight": "1"},
    "infogan": {"networks.prior": "normal"},
    "facades_pix2pix_128": {"networks.discriminator.padding": "same"},
    "facades_cyclegan:64": {"networks.discriminator.padding": "same", "networks.generator.padding": "same"},
}


@pytest.mark.parametrize("name", OF_THE_LIBRARY)
def test_configs_of_the_library_are_those_that_they_were(tmp_path, name):
    """All that is in them, lengths and intervals too; but for what one types today to resume their runs."""
    then, now = loaded_from_0_1(tmp_path, OF_THE_LIBRARY[name]), cli.configure(name, CHANGED_SINCE.get(name, {}))
    configs.reject_another(now, tmp_path, PLAYERS)
    then, now = ({key: own for key, own in each.to_dict().items() if key != "optimizers"} for each in (then, now))
    assert then == now


def test_a_term_whose_weight_was_0_is_off(tmp_path):
    own = {"pixel": 1.0, "perceptual": 0.0, "adversarial": 0.0, "features": "vgg19:there.pth", "warmup_kimg": 0.0}
    changes = {**OF_THE_LIBRARY["digits_superres"], "srgan": own}
    assert loaded_from_0_1(tmp_path, changes).terms.to_dict() == {"pixel": {"weight": 1.0}}


def test_a_player_of_a_run_of_0_1_has_all_keys_of_its_optimizer(tmp_path):
    own = loaded_from_0_1(tmp_path, OF_THE_LIBRARY["wgan:digits"]).optimizers
    for player, limit in (("generator", 0.0), ("discriminator", 0.01)):
        assert own[player].to_dict().items() >= {
            "name": "rmsprop", "decay": 0.99, "eps": 1e-8, "eps_in_sqrt": False, "momentum": 0.0, "centered": False,
            "bias_correction": False, "clip_weights": limit, "schedule": "linear", "decay_kimg": 250.0,
        }.items()  # fmt: skip


GAME = """
from gan_jax.keys import Key

KEYS = {
    "loss": Key("hinge", "its objective"),
    "networks": {"latent_size": Key(1, "Z")},
    "mine": {"size": Key(1, "how large", 1, 10)},
}


def make_game(config, fields):
    pass
"""


def test_a_game_of_ones_own_keeps_the_keys_that_it_still_has(tmp_path, monkeypatch):
    (tmp_path / "my_game_of_0_1.py").write_text(GAME)
    monkeypatch.syspath_prepend(tmp_path)
    config = loaded_from_0_1(tmp_path, {"game": "my_game_of_0_1", "loss": "wasserstein", "mine": {"size": 3}})
    assert (config.loss, config.mine.size, config.batch_size) == ("wasserstein", 3, 16) and "pac" not in config
    assert config.networks.to_dict() == {"latent_size": 4} and config.optimizers.generator.b1 == 0.5
    (tmp_path / "my_smaller_game_of_0_1.py").write_text("def make_game(config, fields): pass")
    assert "networks" not in loaded_from_0_1(tmp_path, {"game": "my_smaller_game_of_0_1"})


@pytest.mark.parametrize("left_out", ["penalty", "optimizers", "networks", "data", "augment"])
def test_a_config_that_0_1_did_not_write_is_rejected_with_its_version(tmp_path, left_out):
    written = {name: own for name, own in CONFIG.items() if name != left_out}
    (tmp_path / "config.json").write_text(json.dumps(written))
    with pytest.raises(UserError, match=rf"can read; gan_jax 0\.1\.0 wrote it \('{left_out}'\)"):
        configs.load(tmp_path / "config.json")


@pytest.mark.parametrize("change", [{}, {"num_inputs": 0}])
def test_a_record_of_0_1_is_that_of_the_same_data_today(change):
    config = get_config()
    record = migration.record({**RECORD, **change, "evaluated": 10, "arrays": {"a": "b"}}, config)
    assert record["num_examples"] == {"all": 100_000, "unpaired": 0}
    fields, today = modalities.from_json(record["fields"]), fields_of(config.data, open_source(config.data))
    assert list(fields) == list(today) == ["points", "label"]
    for name in fields:
        assert fields[name]._replace(fitted={}) == today[name]._replace(fitted={})
    assert record["evaluated"] == 10 and record["arrays"] == {"a": "b"}
    assert migration.record(record, config) == record


def test_a_record_of_images_whose_inputs_are_made_of_them():
    config = config_for("srgan", **{"data.source": "digits", "data.task": "superres", "data.factor": 4})
    record = migration.record({"image_shape": [28, 28, 1], "num_classes": 10, "num_images": 5}, config)
    fields = modalities.from_json(record["fields"])
    assert {name: field.shape for name, field in fields.items()} == {
        "image": (28, 28, 1), "label": (), "input": (7, 7, 1),
    }  # fmt: skip


def test_the_best_round_of_a_record_of_0_1():
    best = {"step": 5, "judge": "fid", "fid": 1.5, "features": "pixels"}
    record = migration.record({**RECORD, "best": best}, get_config())
    assert record["best"].items() >= {"step": 5, "selected_by": "fid", "fid": 1.5, "features": "pixels"}.items()


@pytest.mark.parametrize("data", [{"data.pair": "left_right"}, {"data.inputs": "npz:other.npz"}])
def test_a_record_of_two_sets(data):
    """Inputs were like the images."""
    config = config_for("cyclegan", **data)
    old = {"image_shape": [16, 24, 3], "num_classes": 0, "num_images": 5, "num_inputs": 7}
    record = migration.record(old, config)
    assert record["num_examples"] == {"all": 5, "unpaired": 7}
    fields = modalities.from_json(record["fields"])
    assert {name: (own.modality.name, own.shape) for name, own in fields.items()} == {
        "image": ("image", (16, 24, 3)), "input": ("image", (16, 24, 3)),
    }  # fmt: skip


def test_a_record_of_digits_says_what_measures_them():
    fields = {}
    for source in ("digits", "npz:mine.npz"):
        config = get_config(**{"data.source": source})
        record = migration.record({"image_shape": [28, 28, 1], "num_classes": 10, "num_images": 5}, config)
        fields[source] = modalities.from_json(record["fields"])
    assert fields["digits"] == open_source(get_config(**{"data.source": "digits"}).data).fields
    assert fields["npz:mine.npz"]["image"].fitted == {}


def test_a_run_of_0_2_is_padded_as_it_was_and_an_r3gan_of_it_is_not_read(tmp_path):
    own = {"generator": {"name": "translation"}, "discriminator": {"name": "patch"}}
    stored = {"game": "cyclegan", "networks": own, "terms": {"lecam": {}, "mine": {"function": "a.b"}}}
    new = migration.config(stored, "0.2.0")
    assert {player: each["padding"] for player, each in new["networks"].items()} == dict.fromkeys(PLAYERS, "same")
    assert new["terms"] == {"lecam": {"start": 0}, "mine": {"function": "a.b"}}
    assert migration.config(stored, gan_jax.__version__) == stored
    written = {**get_config().to_dict(), "networks": {"generator": {"name": "r3gan"}}, "version": "0.2.0"}
    (tmp_path / "config.json").write_text(json.dumps(written))
    with pytest.raises(UserError, match=r"gan_jax 0\.2\.0 wrote it \(its r3gan is not the paper's"):
        configs.load(tmp_path / "config.json")
