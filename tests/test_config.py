"""Configs: what is refused, and what a name means."""

import functools
import json

import pytest
from tiny import get_config

from gan_jax import config as configs
from gan_jax import losses, networks
from gan_jax.errors import UserError


@pytest.mark.parametrize(
    "labels, num_classes, expected", [("ignore", 10, 0), ("auto", 10, 10), ("auto", 0, 0), ("require", 10, 10)]
)
def test_classes_used(labels, num_classes, expected):
    assert configs.classes_used(get_config(labels=labels), num_classes) == expected


def test_labels_that_are_required_must_be_there():
    with pytest.raises(UserError, match="ring has no labels"):
        configs.classes_used(get_config(labels="require"), 0)


def test_saved_and_loaded_is_the_same(tmp_path):
    config = get_config(**{"data.image_size": 64})
    configs.save(config, tmp_path / "config.json")
    assert configs.load(tmp_path / "config.json").to_dict() == config.to_dict()
    configs.refuse_another(config, tmp_path)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"seed": 0}', "{"])
def test_a_file_that_is_no_config_of_a_run(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match="is not the config of a run"):
        configs.load(tmp_path / "config.json")


def test_lengths_may_change(tmp_path):
    configs.save(get_config(), tmp_path / "config.json")
    configs.refuse_another(get_config(total_kimg=9.0, log_kimg=1.0, **{"data.resident_mb": 3}), tmp_path)


def test_a_mistyped_key_in_a_file_is_an_error():
    with pytest.raises((AttributeError, KeyError), match="batch_size"):
        configs.base_config().bacth_size = 3


def test_names():
    assert configs.named(losses, "hinge", "loss") is losses.hinge
    with pytest.raises(UserError, match="did you mean hinge"):
        configs.named(losses, "hinges", "loss")
    with pytest.raises(UserError, match="no such name"):
        configs.named(losses, "jnp", "loss")
    with pytest.raises(UserError, match=r"there is no module gan_jax.networks.resnext"):
        configs.import_named(networks, "resnext", "networks.generator.name", member="Generator")


def test_a_module_that_lacks_what_it_imports(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.py").write_text("import minerva_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="needs the module minerva_that_is_not_there"):
        configs.import_named(networks, "mine.net", "game", member="make_game")


@pytest.mark.parametrize("key, value", [("batch_size", "x"), ("data.source", 5), ("total_kimg", None), ("labels", 1)])
def test_a_file_edited_by_hand(tmp_path, key, value):
    written = get_config().to_dict()
    *groups, last = key.split(".")
    functools.reduce(dict.__getitem__, groups, written)[last] = value
    (tmp_path / "config.json").write_text(json.dumps(written))
    with pytest.raises(UserError, match=rf"config.json is not the config of a run .config.{key}={value!r}: must be of"):
        configs.load(tmp_path / "config.json")


HEEDED = ("batch_size", "networks", "data", "evaluation", "loss")  # the tiny config changes all but the last


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"loss": "hinge", "batch_size": 3, "data.flip": True},
        {"total_kimg": 9.0, "log_kimg": 1.0, "eval_kimg": 2.0, "sample_kimg": 3.0, "checkpoint_kimg": 4.0},
    ],
)
def test_what_a_game_heeds_and_lengths_may_differ_from_the_base(changes):
    configs.refuse_unheeded(get_config(**changes), HEEDED)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"pac": 2}, r"^config.pac=2: this game knows nothing of it, leave it 1$"),
        ({"penalty.name": "r1"}, r"^config.penalty.name='r1': this game knows nothing of it, leave it 'none'$"),
        ({"generator_loss.adversarial": 2.0}, r"^config.generator_loss.adversarial=2.0: .*, leave it 1.0$"),
        ({"optimizers.generator.b1": 0.9}, r"^config.optimizers.generator.b1=0.9: .*, leave it 0.5$"),
        ({"loss": "hinge", "consistency.flip": False}, r"^config.consistency.flip=False: .*, leave it True$"),
    ],
)
def test_what_a_game_does_not_heed_is_refused_by_its_key(changes, message):
    config = get_config(**changes)
    with pytest.raises(UserError, match=message):
        configs.refuse_unheeded(config, HEEDED)
    configs.refuse_unheeded(config, (*HEEDED, *(key.partition(".")[0] for key in changes)))


def with_own_keys(**keys):
    config = get_config()
    with config.unlocked():
        config.mine = keys
    return config


def test_a_games_own_keys_are_those_that_it_has():
    configs.refuse_other_keys(with_own_keys(size=1, share=0.5), "mine", ["size", "share"])
    configs.refuse_other_keys(with_own_keys(share=0.5, size=1), "mine", ("size", "share"))  # in any order


@pytest.mark.parametrize(
    "config",
    [get_config(), with_own_keys(size=1), with_own_keys(size=1, shre=0.5), with_own_keys(size=1, share=0.5, more=2)],
    ids=["no group", "one missing", "one mistyped", "one too many"],
)
def test_other_keys_of_a_game_are_refused_with_those_it_needs(config):
    with pytest.raises(
        UserError, match=r"^this game needs the keys config.mine.size, config.mine.share, and no others$"
    ):
        configs.refuse_other_keys(config, "mine", ["size", "share"])
