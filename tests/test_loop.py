"""Whole runs: what they leave behind, what they reject, how they fail."""

import json
import shutil

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image
from tiny import get_config
from whole_runs import final_state, logged, run

from gan_jax import __version__
from gan_jax.data import open_source
from gan_jax.errors import Diverged, UserError
from gan_jax.loop import train
from gan_jax.modalities import from_json
from gan_jax.networks import mlp
from gan_jax.runners import make_runner


def test_a_run_leaves_what_the_readme_says(ring_run):
    config, workdir, (state, record) = ring_run
    assert int(state.step) == 20
    assert json.loads((workdir / "config.json").read_text()) == {"version": __version__, **config.to_dict()}
    pictures = ["000000.png", "000010.png", "000020.png"]
    assert sorted(path.name for path in (workdir / "samples").iterdir()) == [*pictures, "progress.gif"]
    assert Image.open(workdir / "samples" / "000020.png").size == (600, 600)
    assert Image.open(workdir / "samples" / "progress.gif").n_frames == 3
    assert Image.open(workdir / "curves.png").size == (1000, 1250)
    assert list((workdir / "tensorboard").iterdir())
    kept = {int(path.name) for path in (workdir / "checkpoints").iterdir()}
    assert kept == {10, 15, 20, record["best"]["step"]}  # the last three, and the best
    lines = [line for line in logged(workdir) if "generator/loss" in line]
    assert [line["step"] for line in lines] == [5, 10, 15, 20] and lines[-1]["kimg"] == 0.32
    assert set(lines[-1]) == {
        "step", "kimg", "images_per_second", "discriminator/loss", "discriminator/gradient_norm",
        "discriminator/objective", "discriminator/real_accuracy", "discriminator/fake_accuracy",
        "discriminator/learning_rate",
        "generator/loss", "generator/gradient_norm", "generator/adversarial", "generator/learning_rate",
    }  # fmt: skip
    assert [line["step"] for line in logged(workdir) if "sliced_wasserstein" in line] == [0, 10, 20]
    evaluated = [line["evaluation/coverage"] for line in logged(workdir) if "evaluation/coverage" in line]
    assert len(evaluated) == 4 and record["best"]["coverage"] == max(evaluated)


def test_a_record_says_all_that_sampling_needs_to_know_of_the_data(ring_run):
    config, _, (_, record) = ring_run
    assert from_json(record["fields"]) == open_source(config.data).fields
    assert record["num_examples"] == {"all": 100_000, "unpaired": 0}


def test_images_make_a_grid_of_fixed_latents(tiny, tmp_path):
    run(tiny(**{"data.source": "digits", "total_kimg": 0.016, "labels": "require"}), tmp_path)
    assert Image.open(tmp_path / "samples" / "000001.png").size == (10 * 56, 8 * 56)  # a column a digit


def test_another_config_is_rejected_with_the_keys_that_differ(ring_run, tiny):
    _, workdir, _ = ring_run
    with pytest.raises(UserError, match=r"batch_size: 16 there, 32 now.*loss: 'non_saturating' there, 'hinge' now"):
        run(tiny(batch_size=32, loss="hinge"), workdir)


def test_other_networks_are_rejected(ring_run, tmp_path, monkeypatch):
    """The config is the same, but somebody has edited the network's file."""
    config, workdir, _ = ring_run
    shutil.copytree(workdir, tmp_path / "run")
    monkeypatch.setattr(mlp, "compare", lambda features, minibatch: features[:, 1:])
    with pytest.raises(UserError, match="state of other networks"):
        run(config, tmp_path / "run")


def test_other_data_are_rejected(tiny, tmp_path):
    np.savez(tmp_path / "set.npz", points=np.zeros((50, 2), np.float32))
    config = tiny(**{"data.source": f"npz:{tmp_path / 'set.npz'}"})
    run(config, tmp_path / "run")
    np.savez(tmp_path / "set.npz", points=np.zeros((60, 2), np.float32))
    with pytest.raises(
        UserError, match=r"set.npz is not what .* was trained on: 50 all, points 2 then, 60 all, .* now"
    ):
        run(config, tmp_path / "run")
    np.savez(tmp_path / "set.npz", points=np.zeros((50, 2), np.float32), labels=np.arange(50) % 5)
    with pytest.raises(UserError, match=r"50 all, points 2 then, 50 all, label +of 5, points 2 now"):
        run(config, tmp_path / "run")


def test_divergence_names_round_player_and_checkpoint_and_saves_nothing(tiny, tmp_path):
    config = tiny(loss="least_squares", checkpoint_kimg=0.016, **{"optimizers.generator": {"learning_rate": 1e30}})
    with pytest.raises(
        Diverged, match=r"round [23]: .* of player '\w+' .* is (nan|inf).*checkpoint: step \d in .*checkpoints"
    ):
        run(config, tmp_path)
    state, _ = final_state(config, tmp_path)
    assert int(state.step) < 3


def test_a_full_disk_is_one_line(tiny, tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        raise ValueError("RESOURCE_EXHAUSTED: write failed: No space left on device")

    monkeypatch.setattr("orbax.checkpoint.CheckpointManager.save", full)
    with pytest.raises(UserError, match="the disk is full: no checkpoint could be written"):
        run(tiny(), tmp_path)


def test_a_nearly_full_disk_is_noticed_before_the_write(tiny, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**20))
    with pytest.raises(UserError, match=r"the disk is full: .* run the same command again"):
        run(tiny(), tmp_path)


def unchecked(changes):
    """The tiny config with {"dotted.key": value}, which nobody has completed."""
    config = get_config().to_dict()
    for key, value in changes.items():
        group, (*groups, last) = config, key.split(".")
        for name in groups:
            group = group[name]
        group[last] = value
    return ConfigDict(config)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"batch_size": 0}, "^--config.batch_size=0: must be at least 1$"),
        ({"total_kimg": float("nan")}, "total_kimg=nan: must"),
        ({"optimizers.generator": {"b2": 1.0}}, "b2=1.0: must"),
        ({"optimizers.generater": {}}, "config.optimizers.generater: the game's players are discriminator, generator"),
        ({"seed": 2**32}, "seed=4294967296: must"),
        ({"networks.generator": {"name": "mlp", "wdith": 3}}, r"wdith: .*did you mean width\?"),
        ({"networks.generator.name": "dcgan"}, "depth"),
        ({"game": "adversrial"}, r"there is no module adversrial; did you mean adversarial\?"),
        ({"terms.r3": {}}, r"config.terms.r3: .*there are: adversarial, san, r1, r2, r1_r2, "),
        ({"batch_size": 200_000}, "ring has fewer examples, 100000"),
        ({"labels": "yes"}, "must be one of ignore, auto, require"),
        ({"game": "os.path"}, "os.path has no make_game"),
        ({"terms.r1": {"weight": 1.0, "evry": 2}}, r"config.terms.r1.evry: .*did you mean every\?"),
        ({"batch_size": 0, "terms.r1": {"evry": 2}, "labels": "yes"}, "batch_size=0: .*labels='yes': .*terms.r1.evry"),
    ],
)
def test_values_that_no_run_can_have(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        run(unchecked(changes), tmp_path)
    assert not list(tmp_path.iterdir())


def test_batch_must_be_divisible_by_devices(tiny, tmp_path):
    with pytest.raises(UserError, match="batch_size=18 is not divisible by 4 devices"):
        train(tiny(batch_size=18), tmp_path, make_runner("pmap"))
    with pytest.raises(UserError, match="batch_size=16 is not divisible by 8 micro_batches on 4 devices"):
        train(tiny(micro_batches=8), tmp_path, make_runner("pmap"))
    assert not list(tmp_path.iterdir())
