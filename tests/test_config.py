"""Configs: what is composed, completed, changed from a command line, saved and read again, and what is rejected."""

import functools
import json

import pytest
from tiny import get_config

from gan_jax import __version__, games, losses, networks
from gan_jax import config as configs
from gan_jax.config import complete, config_for, override
from gan_jax.errors import UserError
from gan_jax.games.adversarial import conditional
from gan_jax.lookup import import_by_name, lookup, modules_of
from gan_jax.modalities import Field, label, points

PLAYERS = ("generator", "discriminator")
OWN_GAME = """
from gan_jax.keys import Key
KEYS = {"mine": {"size": Key(1, "of it"), "share": Key(0.5, "of it", 0, 1)}}
DEFAULTS = {"mine": {"size": 2}}
def make_game(config, fields): ...
"""


def value_of(config, key):
    return functools.reduce(dict.__getitem__, key.split("."), config.to_dict())


@pytest.mark.parametrize(
    "labels, classes, expected", [("ignore", 10, False), ("auto", 10, True), ("auto", 0, False), ("require", 10, True)]
)
def test_whether_labels_are_the_condition(labels, classes, expected):
    fields = {"points": Field(points.MODALITY, (2,))}
    if classes:
        fields["label"] = Field(label.MODALITY, (), tuple(map(str, range(classes))))
    assert conditional(get_config(labels=labels), fields) is expected


def test_labels_that_are_required_must_be_there():
    with pytest.raises(UserError, match="ring has no labels"):
        conditional(get_config(labels="require"), {"points": Field(points.MODALITY, (2,))})


@pytest.mark.parametrize("game", modules_of(games))
def test_a_config_of_each_game_is_complete(game):
    config = config_for(game)
    assert complete(config).to_dict() == config.to_dict() and config.game == game
    given = {"game": game, "terms": config.terms.to_dict()} if "terms" in config else {"game": game}
    assert complete(given).to_dict() == config.to_dict()
    assert override(config, {}).to_dict() == config.to_dict()


def test_a_complete_config_is_locked_and_a_config_to_be_changed_is_not():
    config = config_for()
    config.terms.r1 = {"every": 4}
    assert complete(config).terms.r1.to_dict() == {"weight": 1.0, "every": 4, "final": 1.0, "decay_kimg": 0.0}
    with pytest.raises((AttributeError, KeyError), match="bacth_size"):
        complete(config).bacth_size = 3


def test_a_mistyped_key_in_a_file_is_an_error():
    config = config_for()
    config.bacth_size = 3
    with pytest.raises(UserError, match=r"^--config.bacth_size: there is no such key; did you mean batch_size\?$"):
        complete(config)


def test_a_player_has_the_default_optimizer_but_for_what_it_says():
    config = config_for()
    config.optimizers.default.update(learning_rate=1e-3, schedule="linear", decay_kimg=9.0)
    config.optimizers.generator = {"b1": 0.0}
    config.optimizers.discriminator = {"name": "sgd"}
    made = complete(config).optimizers
    assert made.generator.to_dict() == {**made.default.to_dict(), "b1": 0.0}
    assert (made.discriminator.learning_rate, made.discriminator.momentum) == (1e-3, 0.0)
    assert "b1" not in made.discriminator and made.discriminator.schedule == "linear"


WRONG_GAME = [
    ("pix2pix", ("config.n_critic", "config.pac", "config.networks.latent_size", "dcgan has no Translator")),
    ("cyclegan", ("config.labels", "config.top_k", "dcgan has no Translator")),
    ("srgan", ("config.generator_batch", "config.codes", "dcgan has no Translator")),
    ("semi_supervised", ("config.n_critic", "config.loss", "config.augment.target", "config.terms.adversarial")),
]


@pytest.mark.parametrize("game, wrong", WRONG_GAME)
def test_all_that_is_wrong_with_a_config_of_another_game_is_said_at_once(game, wrong):
    config = {**config_for().to_dict(), "game": game, "batch_size": 0}
    config["terms"] = {**config["terms"], "r1": {}, "r2": {}}
    with pytest.raises(UserError) as error:
        complete(config)
    message = str(error.value)
    for part in (*wrong, "config.batch_size=0: must be", "config.terms.r1: there is no such term", "config.terms.r2"):
        assert part in message
    assert len(message.splitlines()) == 1 and message.count("keep_checkpoints") == 1  # the keys are listed once


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"batch_size": "32", "data.flip": "true"}, {"batch_size": 32, "data.flip": True}),
        ({"data.image_size": "64", "total_kimg": "3"}, {"data.image_size": "64", "total_kimg": 3.0}),
        ({"networks.generator.name": "mlp"}, {"networks.generator.depth": 3, "networks.discriminator.name": "dcgan"}),
        ({"networks.generator.depth": "5", "networks.generator.name": "mlp"}, {"networks.generator.depth": 5}),
        ({"terms.r1.weight": "0.2", "terms.r1.every": "8"}, {"terms.r1.weight": 0.2, "terms.r1.final": 1.0}),
        ({"terms.lecam.decay": "0.9"}, {"terms.lecam.weight": 0.3, "terms.adversarial.weight": 1.0}),
        ({"optimizers.generator.b1": "0"}, {"optimizers.generator.b1": 0.0, "optimizers.generator.b2": 0.999}),
        ({"optimizers.generator.name": "sgd", "optimizers.generator.momentum": "0.9"}, {"optimizers.default.b1": 0.5}),
        ({"optimizers.default.name": "rmsprop"}, {"optimizers.default.decay": 0.9, "optimizers.default.eps": 1e-8}),
        ({"game": "pix2pix"}, {"networks.generator.name": "unet", "terms.l1.weight": 100.0, "total_kimg": 100.0}),
        ({"networks.generator.width": "7", "game": "pix2pix"}, {"networks.generator.width": 7}),
        ({"game": "adversarial"}, {"networks.generator.name": "dcgan"}),
    ],
)
def test_changes_from_a_command_line(changes, expected):
    config = override(config_for(), changes)
    assert {key: value_of(config, key) for key in expected} == expected
    assert complete(config).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    "changes, gone",
    [
        ({"networks.discriminator.name": "patch"}, "networks.discriminator.minibatch"),
        ({"optimizers.default.name": "sgd"}, "optimizers.default.b1"),
        ({"game": "pix2pix"}, "terms.r1"),
        ({"game": "pix2pix"}, "n_critic"),
    ],
)
def test_another_name_drops_the_keys_of_the_old_one(changes, gone):
    config = config_for()
    config.terms.r1 = {}
    value_of(complete(config), gone)
    with pytest.raises(KeyError):
        value_of(override(config, changes), gone)


@pytest.mark.parametrize("order", [1, -1])
def test_a_player_of_its_own_optimizer_has_what_the_command_line_changes_in_the_default(order):
    config = config_for()
    config.optimizers.generator = {"b2": 0.9}
    changes = {"optimizers.default.learning_rate": "1", "optimizers.discriminator.b1": "0"}
    made = override(config, dict(list(changes.items())[::order])).optimizers
    assert made.default.learning_rate == made.generator.learning_rate == made.discriminator.learning_rate == 1.0
    assert (made.generator.b1, made.generator.b2, made.discriminator.b1, made.discriminator.b2) == (
        0.5,
        0.9,
        0.0,
        0.999,
    )


def test_the_same_name_drops_nothing():
    """A file's own mistakes stay mistakes."""
    config = config_for()
    config.networks.generator.wdith = 3
    with pytest.raises(UserError, match=r"config.networks.generator.wdith: .*did you mean width\?"):
        override(config, {"networks.generator.name": "dcgan"})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"bacth_size": "3"}, r"^--config.bacth_size=3: .* no such key in this config; did you mean batch_size\?$"),
        ({"learning_rate": "1"}, r"did you mean optimizers.default.learning_rate\?$"),
        ({"networks.generator.depth": "3"}, r"no such key in this config; there are: name, spectral, width, norm$"),
        ({"netwroks.generator.width": "3"}, r"^--config.netwroks: there is no such key; did you mean networks\?$"),
        ({"terms.r1.evry": "3"}, r"^--config.terms.r1.evry=3: .*did you mean terms.r1.every\?$"),
        ({"terms.r1_r3.weight": "3"}, r"config.terms.r1_r3: .* no such term in this game; did you mean r1_r2\?$"),
        ({"networks": "3"}, r"^--config.networks=3: networks is a group, set one of networks.latent_size, .*\.norm$"),
        ({"terms.adversarial": "0"}, r"^--config.terms.adversarial=0: .* set one of terms.adversarial.weight$"),
        ({"batch_size.x": "0"}, r"^--config.batch_size.x: batch_size is a key, not a group of keys$"),
        ({"batch_size": "3.5"}, r"^--config.batch_size=3.5: must be of the kind of 64$"),
        ({"total_kimg": "long"}, r"^--config.total_kimg=long: must be of the kind of 100.0$"),
        ({"data.flip": "perhaps"}, r"^--config.data.flip=perhaps: must be of the kind of False$"),
        ({"batch_size": "0"}, r"^--config.batch_size=0: must be at least 1"),
        ({"terms.r1.weight": "-3"}, r"^--config.terms.r1.weight=-3.0: must be at least 0$"),
        ({"loss": "hing"}, r"^--config.loss='hing': must be one of minimax, .*; did you mean hinge\?$"),
        ({"augment.name": "adda"}, r"^--config.augment.name='adda': must be one of none, diffaugment, ada; did you"),
        ({"optimizers.default.name": "adm"}, r"optax has no optimizer 'adm'; did you mean .*adam"),
        ({"networks.generator.name": "resnets"}, r"there is no module resnets; did you mean resnet or srresnet\?$"),
        ({"game": "pix2px"}, r"config.game='pix2px': there is no module pix2px; did you mean pix2pix\?$"),
        ({"game": "os.path"}, r"config.game='os.path': os.path has no make_game$"),
        ({"batch_size": "0", "loss": "hing"}, r"^--config.batch_size=0: .*; --config.loss='hing': "),
    ],
)  # fmt: skip
def test_changes_that_cannot_be(changes, message):
    with pytest.raises(UserError, match=message):
        override(config_for(), changes)


def test_a_game_of_ones_own_has_the_keys_that_it_declares(tmp_path, monkeypatch):
    (tmp_path / "own_keys_game.py").write_text(OWN_GAME)
    monkeypatch.syspath_prepend(tmp_path)
    config = override(config_for("own_keys_game"), {"mine.share": "1"})
    assert config.mine.to_dict() == {"size": 2, "share": 1.0} and "terms" not in config and config.batch_size == 64
    with pytest.raises(UserError) as error:
        complete({**config.to_dict(), "mine": {"size": 1, "shre": 0.5, "more": 2}, "pac": 2})
    for part in (
        "config.pac: there is no such key",
        r"mine.shre: there is no such key; did you mean share?",
        "mine.more",
    ):
        assert part in str(error.value)


def test_saved_and_loaded_is_the_same(tmp_path):
    config = get_config(**{"data.image_size": "64"})
    configs.save(config, tmp_path / "config.json")
    assert configs.load(tmp_path / "config.json").to_dict() == config.to_dict()
    assert json.loads((tmp_path / "config.json").read_text()) == {"version": __version__, **config.to_dict()}
    configs.reject_another(config, tmp_path, PLAYERS)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"seed": 0}', "{"])
def test_a_file_that_is_no_config_of_a_run(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match="is not the config of a run"):
        configs.load(tmp_path / "config.json")


def test_a_config_of_another_version_that_cannot_be_read_says_which_wrote_it(tmp_path):
    written = {"version": "9.0.1", **get_config().to_dict(), "later": 1}
    (tmp_path / "config.json").write_text(json.dumps(written))
    with pytest.raises(UserError, match=rf"that this version, {__version__}, can read; gan_jax 9.0.1 wrote it .*later"):
        configs.load(tmp_path / "config.json")
    (tmp_path / "config.json").write_text('{"seed": 0, "game": "adversarial", "data": {}}')
    with pytest.raises(UserError, match=r"can read; gan_jax 0.1.0 wrote it"):
        configs.load(tmp_path / "config.json")


def test_a_config_of_an_older_version_has_the_defaults_of_keys_that_came_later(tmp_path):
    written = {"version": __version__, **get_config().to_dict()}
    del written["micro_batches"], written["codes"], written["data"]["factor"]
    (tmp_path / "config.json").write_text(json.dumps(written))
    assert configs.load(tmp_path / "config.json").to_dict() == get_config().to_dict()


def test_lengths_may_change(tmp_path):
    configs.save(get_config(), tmp_path / "config.json")
    configs.reject_another(
        get_config(total_kimg=9.0, log_kimg=1.0, remat=True, **{"data.resident_mb": 3}), tmp_path, PLAYERS
    )


@pytest.mark.parametrize(
    "changes, differ",
    [
        ({"batch_size": 32, "loss": "hinge"}, ["batch_size: 16 there, 32 now", "loss: 'non_saturating' there"]),
        ({"terms.r1": {}}, ["terms.r1.weight: 'absent' there, 1.0 now"]),
        ({"networks.generator": {"name": "dcgan"}}, ["networks.generator.depth: 2 there, 'absent' now"]),
        ({"optimizers.generator": {"b1": 0.0}}, ["(optimizers.generator.b1: 0.5 there, 0.0 now)"]),
        ({"optimizers.default": {"b1": 0.0}}, ["(optimizers.default.b1: 0.5 there, 0.0 now)"]),
    ],
)  # fmt: skip
def test_another_config_is_rejected_with_all_that_differs(tmp_path, changes, differ):
    configs.save(get_config(), tmp_path / "config.json")
    with pytest.raises(UserError, match="holds a run with another config") as error:
        configs.reject_another(get_config(**changes), tmp_path, PLAYERS)
    for part in (*differ, "choose another --workdir"):
        assert part in str(error.value)


def test_optimizers_are_the_same_however_they_are_written(tmp_path):
    by_default = get_config(**{"optimizers.default": {"b1": 0.0, "learning_rate": 1e-3}})
    own = {"b1": 0.0, "learning_rate": 1e-3}
    each = get_config(**{"optimizers.generator": own, "optimizers.discriminator": own})
    for there, now in ((by_default, each), (each, by_default)):
        configs.save(there, tmp_path / "config.json")
        configs.reject_another(now, tmp_path, PLAYERS)
    with pytest.raises(UserError, match=r"optimizers.default.b1: 0.5 there, 0.0 now"):
        configs.save(each, tmp_path / "config.json")
        configs.reject_another(by_default, tmp_path, (*PLAYERS, "encoder"))


def test_names():
    assert lookup(losses, "hinge", "loss") is losses.hinge
    with pytest.raises(UserError, match="did you mean hinge"):
        lookup(losses, "hinges", "loss")
    with pytest.raises(UserError, match="no such name"):
        lookup(losses, "jnp", "loss")
    with pytest.raises(UserError, match=r"there is no module resnext; did you mean resnet or srresnet\?"):
        import_by_name(networks, "resnext", "networks.generator.name", member="Generator")
    assert {"mlp", "dcgan"} <= set(modules_of(networks))


def test_a_module_that_lacks_what_it_imports(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.py").write_text("import minerva_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="needs the module minerva_that_is_not_there"):
        import_by_name(networks, "mine.net", "game", member="make_game")


@pytest.mark.parametrize(
    "key, value", [("batch_size", "x"), ("data.source", 5.5), ("total_kimg", None), ("labels", 1.0)]
)
def test_a_file_edited_by_hand(tmp_path, key, value):
    written = {"version": __version__, **get_config().to_dict()}
    *groups, last = key.split(".")
    functools.reduce(dict.__getitem__, groups, written)[last] = value
    (tmp_path / "config.json").write_text(json.dumps(written))
    with pytest.raises(
        UserError, match=rf"config.json is not the config of a run .--config.{key}={value!r}: must be of"
    ):
        configs.load(tmp_path / "config.json")
