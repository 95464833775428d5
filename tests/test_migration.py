"""Runs of older versions: their configs and records are those of the same runs today."""

import functools
import json

import pytest
from old_run import CONFIG, OPTIMIZER, RECORD
from tiny import get_config
from translating import config_for

from gan_jax import config as configs
from gan_jax import migration, modalities
from gan_jax.data import fields_of, open_source

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
        ({"penalty.weight": 0.2, "lecam.weight": 0.3}, {"terms.lecam": {"weight": 0.3}}),
        ({"consistency.latent": 5.0, "consistency.sigma": 0.1}, {"terms.latent_consistency": {"sigma": 0.1}}),
        ({"generator_loss.feature_matching": 2.0}, {"terms.feature_matching": {"weight": 2.0}}),
        ({"info.categories": 2, "info.weight": 0.5}, {"codes.categories": 2, "terms.codes": {"weight": 0.5}}),
        ({"data.labelled": 40}, {"data.labeled": 40}),
        (
            {"labels": "require", "networks.discriminator": {"name": "dcgan", "conditioning": "auxiliary"}},
            {
                "labels": "require", "terms.classes": {},
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
