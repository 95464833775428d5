"""Sources found by name, the keys of the data, and what maps are given at test time."""

import jax
import numpy as np
import pytest

from gan_jax import preprocess
from gan_jax.data import KEYS, fields_for_inputs, fields_of, for_test, is_name, open_source
from gan_jax.errors import UserError
from gan_jax.images import to_float, to_uint8
from gan_jax.keys import complete
from gan_jax.lookup import only_the_librarys_own


@pytest.mark.parametrize("source", ["bogus", "bogus:3", "digits:3", "folder:", "zip", "", "tfds:", "json:x"])
def test_messages_name_the_forms(config, rejected, source):
    message = rejected(open_source, config(source))
    name = source if source.partition(":")[0] in ("digits", "folder", "zip", "tfds") else source.partition(":")[0]
    assert message.replace("'", "").startswith(f"--config.data.source={name}")
    for form in ("digits", "stacked_digits", "ring", "grid", "spiral", "moons", "folder:", "zip:", "npz:", "tfds:"):
        assert form in message


def test_a_mistyped_name_is_mended(config, rejected):
    assert "did you mean digits?" in rejected(open_source, config("digit"))


OWN = """
import numpy as np
from gan_jax.data import make_source

def open_source(rest, config):
    return make_source("points", np.full((int(rest), 2), config.factor, np.float32))
"""


def test_a_module_of_ones_own(config, rejected, tmp_path, monkeypatch):
    (tmp_path / "constant_points.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    source = open_source(config("constant_points:7", factor=2))
    assert len(source) == 7 and (source.columns["points"] == 2).all() and list(source.fields) == ["points"]
    assert "have halves" in rejected(open_source, config("constant_points:7", pair="left_right"))
    with only_the_librarys_own():
        assert "--code=FOLDER" in rejected(open_source, config("constant_points:7"))
        assert len(open_source(config("ring"))) == 100_000


def test_names_are_not_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("digits", "folder:x", "zip:a.zip/b", "tfds:mnist:test", "my_source:x", "my.sources.one:", "ring")
    assert all(map(is_name, names))
    assert not any(map(is_name, ("digits.npz", "a/b", "./ring", str(tmp_path), "my_source", "C++:x")))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("fit", "squash", "config.data.fit='squash': must be one of crop, pad, stretch"),
        ("pair", "left", "config.data.pair='left': must be one of none, left_right, right_left"),
        ("task", "sketch", "config.data.task='sketch': must be one of none, colorize, superres, inpaint, edges"),
        ("held_out", 1.0, "config.data.held_out=1.0: must be between 0 and 0.9999"),
        ("held_out", -0.1, "config.data.held_out=-0.1: must be between 0"),
        ("labeled", -1, "config.data.labeled=-1: must be at least 0"),
        ("factor", 16, "config.data.factor=16: must be between 2 and 8"),
        ("resident_mb", -1, "config.data.resident_mb=-1: must be at least 0"),
        ("image_sise", "8", "config.data.image_sise: there is no such key; did you mean image_size?"),
    ],
)
def test_values_that_no_data_have(key, value, says, rejected):
    assert says in rejected(complete, {"data": KEYS}, {"data": {key: value}})


def test_a_size_may_be_a_number():
    assert complete(KEYS, {"image_size": 64})["image_size"] == "64"
    assert [name for name, key in KEYS.items() if key.resumable] == ["resident_mb"]


@pytest.mark.parametrize("task", preprocess.TASKS)
def test_inputs_are_made_of_images_for_tests(config, tmp_path, task):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 12, 3), np.uint8)
    np.savez(tmp_path / "a.npz", images=images)
    own = config(f"npz:{tmp_path}/a.npz", task=task, factor=2, held_out=0.25)
    trained_on = open_source(own)
    source = for_test(own, trained_on)
    assert set(trained_on.fields) == {"image"} and fields_of(own, trained_on) == source.fields
    assert {**trained_on.fields, **fields_for_inputs(own, trained_on.fields)} == source.fields
    make, target = preprocess.make_inputs(own, source.fields["image"]), source.fields["image"]
    for part in (source, source.splits["held_out"]):
        rows = np.array([3, 1])
        examples = part.read(rows)
        assert examples["input"].dtype == np.uint8 and examples["input"].shape[1:] == part.fields["input"].shape
        assert part.columns["input"].shape == (len(part), *part.fields["input"].shape)
        made = to_uint8(jax.jit(make)(to_float(examples["image"]), jax.random.key(0), rows.astype(np.int32)))
        np.testing.assert_array_equal(examples["input"], made)
        np.testing.assert_array_equal(part[1]["input"], examples["input"][1])
        assert part.fields["input"].modality is target.modality
    chosen = source.select(np.array([5, 3]))
    np.testing.assert_array_equal(chosen[1]["input"], source[3]["input"])


def test_what_is_there_is_not_made(config, tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((5, 4, 4, 1), np.uint8), labels=np.arange(5))
    own = config(f"npz:{tmp_path}/a.npz", inputs=f"npz:{tmp_path}/a.npz", paired=False)
    source = open_source(own)
    assert for_test(own, source) is source and list(source.fields) == ["image", "label"]
    assert list(fields_of(own, source)) == ["image", "label", "input"]
    assert fields_for_inputs(own, source.fields) == {"input": source.splits["unpaired"].fields["input"]}
    plain = config("ring")
    assert fields_for_inputs(plain, open_source(plain).fields) == {}
    assert fields_of(plain, open_source(plain)) == open_source(plain).fields


def test_points_are_no_images(config):
    own = config("ring", task="edges")
    with pytest.raises(UserError, match="needs images, these data are points"):
        fields_of(own, open_source(own))
