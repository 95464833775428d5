"""A trained run in a notebook, and its samples in files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from hand_made import FIELDS, MAPS, experiment, source, state
from PIL import Image
from tiny import get_config

import gan_jax
from gan_jax.errors import UserError
from gan_jax.loop import train
from gan_jax.modalities import Field, lookup
from gan_jax.run import Run, load, sample_to_file
from gan_jax.runners import make_runner
from gan_jax.sampling import make_sampler


def run_of(*names, **others):
    """A run whose average is shifted."""
    return Run(Path("runs/mine"), None, experiment(*names, **others), state(shift=0.25), {})


def by_hand(run, name, given, n, seed=0, ema=True):
    """What a map makes, by the plain way."""
    sample = make_sampler(MAPS[name], FIELDS)
    return sample(run.variables(ema), jax.random.key(seed), given, np.arange(n))


def test_samples_of_the_first_map_that_makes_some_of_noise():
    run = run_of("ab", "sample", "conditional")
    assert (run.noise_map, run.class_names) == ("sample", ())
    samples = run.sample(5)
    np.testing.assert_array_equal(samples, by_hand(run, "sample", {}, 5))
    np.testing.assert_array_equal(run.sample(200)[:5], samples)
    np.testing.assert_array_equal(run.sample(5, seed=3), by_hand(run, "sample", {}, 5, seed=3))
    np.testing.assert_array_equal(run.sample(5, ema=False), by_hand(run, "sample", {}, 5, ema=False))
    assert (run.sample(5, ema=False) != samples).any()
    with pytest.raises(UserError, match="--label=cat: this model is unconditional"):
        run.sample(5, label="cat")
    with pytest.raises(UserError, match="num=0: must be positive"):
        run.sample(0)


def test_samples_of_classes():
    run = run_of("conditional")
    assert run.class_names == ("cat", "dog", "bird")
    for label, labels in ((None, [0, 1, 2, 0]), ("dog", [1] * 4), (2, [2] * 4)):
        given = {"label": np.array(labels, np.int32)}
        np.testing.assert_array_equal(run.sample(4, label=label), by_hand(run, "conditional", given, 4))
    with pytest.raises(UserError, match="--label=cow: the labels of this model are 0 to 2"):
        run.sample(4, label="cow")


def test_any_map_of_examples():
    run, examples = run_of("ab", "classify"), source().read(np.arange(6))
    for name, given in (("ab", "input"), ("classify", "image")):
        made = run.apply(name, {given: examples[given]}, seed=2)
        np.testing.assert_array_equal(made, by_hand(run, name, {given: examples[given]}, 6, seed=2))


@pytest.mark.parametrize(
    "name, given, message",
    [
        ("abc", {}, "runs/mine has no map 'abc'; did you mean ab?"),
        ("ab", {"image": 6}, "the map 'ab' takes input, as many of each"),
        ("ab", {}, "the map 'ab' takes input, as many of each"),
        ("sample", {}, "the map 'sample' takes nothing: use sample"),
        ("ab", {"input": 6, "image": 6}, "the map 'ab' takes input, as many of each"),
    ],
)
def test_maps_and_fields_that_there_are_not(name, given, message):
    examples = source().read(np.arange(6))
    with pytest.raises(UserError) as caught:
        run_of("sample", "ab").apply(name, {field: examples[field][:n] for field, n in given.items()})
    assert str(caught.value) == message


def test_a_run_that_makes_nothing_of_noise():
    with pytest.raises(UserError, match=r"runs/mine makes nothing from noise.*\(ab, ba\): use --mode=translate"):
        run_of("ab", "ba").sample(4)


def test_the_average_is_estimated_once():
    calls = []

    def calibrate(variables, key, index):
        calls.append(1)
        return variables

    run = run_of("sample", calibrate=calibrate)
    player = {**run.state.variables["generator"], "batch_stats": np.float32(1)}
    run.state.variables["generator"] = player
    run.sample(2), run.sample(2), run.variables()
    assert len(calls) == 1  # it was traced


@pytest.fixture(scope="module")
def conditional_run(tmp_path_factory):
    """Two rounds of a conditional game on digits, with a checkpoint after each."""
    workdir = tmp_path_factory.mktemp("digits") / "run"
    changes = {"data.source": "digits", "labels": "require", "networks.generator.norm": "batch"}
    changes |= {"total_kimg": 0.032, "checkpoint_kimg": 0.016}
    train(get_config(**changes), workdir, make_runner("jit"))
    return workdir


def test_a_run_is_read_from_its_folder(conditional_run):
    run = load(conditional_run)
    assert (run.workdir, int(run.state.step), run.config.seed) == (conditional_run, 2, 0)
    assert run.experiment.fields["image"].shape == (28, 28, 1) and run.class_names == tuple("0123456789")
    assert run.record["num_examples"]["all"] == 10_000
    first = load(str(conditional_run), 1)
    assert int(first.state.step) == 1 and (first.sample(3) != run.sample(3)).any()


def test_there_is_no_run(tmp_path, conditional_run):
    for message in ("holds no trained run", "holds no trained run", "no checkpoint yet"):
        with pytest.raises(UserError, match=message):
            load(tmp_path)
        if (tmp_path / "config.json").exists():
            (tmp_path / "checkpoints").mkdir(exist_ok=True)
        (tmp_path / "config.json").write_bytes((conditional_run / "config.json").read_bytes())
    with pytest.raises(UserError, match="--checkpoint=7: must be best, last or a step"):
        load(conditional_run, 7)


def test_a_notebook_needs_nothing_else_and_hears_no_warning(conditional_run, tmp_path):
    code = f"import gan_jax; print(gan_jax.load({str(conditional_run)!r}).sample(3, seed=4, label='7').tolist())"
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    samples = gan_jax.load(conditional_run).sample(3, seed=4, label="7")
    difference = np.array(json.loads(done.stdout)) - samples
    assert samples.shape == (3, 28, 28, 1) and np.abs(difference).max() <= 1  # this process compiles in a hurry


def sample(workdir, out, *, num=5, seed=0, label=None, ema=True, **options):
    sample_to_file(Path(workdir), Path(out), num=num, seed=seed, label=label, ema=ema, **options)


def test_samples_of_a_conditional_game(conditional_run, tmp_path, capsys):
    sample(conditional_run, tmp_path / "a.npz", num=23)
    assert capsys.readouterr().out == f"23 samples of step 2 -> {tmp_path / 'a.npz'}\n"
    arrays = np.load(tmp_path / "a.npz")
    assert arrays["images"].shape == (23, 28, 28, 1) and arrays["images"].dtype == np.uint8
    assert arrays["labels"].tolist() == [i % 10 for i in range(23)]
    sample(conditional_run, tmp_path / "b.npz", num=3, label="4")
    assert np.load(tmp_path / "b.npz")["labels"].tolist() == [4, 4, 4]
    np.testing.assert_array_equal(np.load(tmp_path / "b.npz")["images"], load(conditional_run).sample(3, label=4))


def test_seed_ema_and_number(conditional_run, tmp_path):
    def sampled(**options):
        sample(conditional_run, tmp_path / "a.npz", overwrite=True, **options)
        return np.load(tmp_path / "a.npz")["images"]

    np.testing.assert_array_equal(sampled(num=200)[:5], sampled(num=5))
    assert not np.array_equal(sampled(), sampled(seed=1))
    assert not np.array_equal(sampled(), sampled(ema=False))


def test_samples_as_a_picture(conditional_run, tmp_path):
    sample(conditional_run, tmp_path / "a.png", num=20)
    assert Image.open(tmp_path / "a.png").size == (10 * 56, 2 * 56)  # a column a class
    sample(conditional_run, tmp_path / "b.png", num=10, label=3)
    assert Image.open(tmp_path / "b.png").size == (4 * 56, 3 * 56)
    sample(conditional_run, tmp_path / "c.jpg", num=10, label=0)
    assert Image.open(tmp_path / "c.jpg").size == (4 * 56, 3 * 56)


@pytest.mark.parametrize(
    "out, options, message",
    [
        ("a.npz", {"label": 10}, "labels of this model are 0 to 9"),
        ("a.npz", {"label": -1}, "labels of this model are 0 to 9"),
        ("a.npz", {"label": "seven"}, "labels of this model are 0 to 9"),
        ("a.npz", {"num": 0}, "num=0"),
        ("a.tiff", {}, r"extension must be one of \.png"),
        ("a", {}, r"extension must be one of .* \.npz"),
        ("nowhere/a.png", {}, "there is no folder"),
        ("", {}, r"extension must be one of \.png"),
    ],
)
def test_bad_samples(conditional_run, tmp_path, out, options, message):
    with pytest.raises(UserError, match=message):
        sample(conditional_run, tmp_path / out, **options)
    assert not list(tmp_path.iterdir())


def test_nothing_to_sample_from(conditional_run, tmp_path):
    with pytest.raises(UserError, match="holds no trained run"):
        sample(tmp_path, tmp_path / "a.png")
    train(get_config(total_kimg=0.016), tmp_path / "run", make_runner("jit"))
    with pytest.raises(UserError, match="--label=1: this model is unconditional"):
        sample(tmp_path / "run", tmp_path / "a.npz", label="1")
    sample(tmp_path / "run", tmp_path / "a.npz")
    points = np.load(tmp_path / "a.npz")
    assert points["points"].shape == (5, 2) and points["labels"].tolist() == [-1] * 5


@pytest.mark.parametrize("name", ["a.png", "a.npz"])
def test_only_what_the_library_made_is_overwritten(conditional_run, tmp_path, name):
    sample(conditional_run, tmp_path / name)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(UserError, match=r"is there already: .* --overwrite"):
        sample(conditional_run, tmp_path / name, seed=1)
    assert (tmp_path / name).read_bytes() == before
    sample(conditional_run, tmp_path / name, seed=1, overwrite=True)
    assert (tmp_path / name).read_bytes() != before
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match="gan_jax did not make it"):
        sample(conditional_run, tmp_path / name, overwrite=True)
    assert (tmp_path / name).read_text() == "mine"


def test_a_kind_without_files_of_its_own(monkeypatch, tmp_path):
    fields = {**FIELDS, "image": Field(lookup("image")._replace(name="smell", write=None), (8, 8, 1))}
    monkeypatch.setattr("gan_jax.run.load", lambda *_: run_of("sample", fields=fields))
    with pytest.raises(UserError, match="makes smell, of which no file can be written"):
        sample("runs/mine", tmp_path / "a.png")
