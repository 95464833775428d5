"""Runs that make sounds and solids, from a person's own files to samples in files, on the command line."""

import json

import numpy as np
import pytest
from scipy.io import wavfile

from gan_jax.errors import UserError

TINY = [f"--config.networks.{player}.width=2" for player in ("generator", "discriminator")]
TINY += ["--config.networks.latent_size=4", "--config.batch_size=4", "--config.total_kimg=0.008", "--runner=jit"]


def own_sounds(place):
    rng = np.random.default_rng(0)
    for number in range(8):
        wavfile.write(place / f"{number % 2}_{number}.wav", 8000, rng.integers(-9999, 9999, 300).astype(np.int16))


def own_solids(place):
    solids = np.random.default_rng(0).integers(0, 2, (8, 8, 8, 8), np.uint8)
    np.savez(place / "own.npz", voxels=solids, labels=np.arange(8) % 2)


def test_sounds(tmp_path, run_mode, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    own_sounds(tmp_path / "own")
    data = ["--config=wavegan:digits", "--config.data.source=folder:own", "--config.data.length=128"]
    run_mode("--mode=train", *data, *TINY, "--workdir=run")
    assert "not evaluated" in capsys.readouterr().err  # nothing fits sounds by default
    assert (tmp_path / "run" / "samples" / "000002.png").exists()
    for out in ("made", "made.wav", "made.png", "made.npz"):
        run_mode("--mode=sample", "--workdir=run", "--num=3", f"--out={out}")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["0_00000.wav", "0_00002.wav", "1_00001.wav"]
    rate, samples = wavfile.read("made/1_00001.wav")
    with np.load("made.npz") as file:
        np.testing.assert_array_equal(file["sounds"][1, :, 0], samples)
        assert rate == file["rate"] == 8000
    with pytest.raises(UserError, match="made is there already"):
        run_mode("--mode=sample", "--workdir=run", "--num=3", "--out=made")
    with pytest.raises(UserError, match=r"must be one of \.wav, .*\.npz, or none, for a folder$"):
        run_mode("--mode=sample", "--workdir=run", "--num=3", "--out=made.mp3")
    run_mode("--mode=train_classifier", *data, "--kimg=0.016", "--out=own.npz")
    judged = ["--mode=evaluate", "--workdir=run", "--features=classifier:own.npz", "--num=8"]
    run_mode(*judged, "--out=a.json")
    run_mode(*judged, "--images_a=folder:own", "--out=b.json")
    results = json.loads((tmp_path / "b.json").read_text())["results"]
    assert results["nearest"] == pytest.approx(0, abs=1e-3) and "class_accuracy" in results
    with pytest.raises(UserError, match=r"of examples \[128, 1\] {'rate': 8000}, these are \[64, 1\]"):
        shorter = [*data, "--config.data.length=64", "--config.evaluation.features=classifier:own.npz"]
        run_mode("--mode=train", *shorter, *TINY, "--workdir=other")


def test_solids(tmp_path, run_mode, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own_solids(tmp_path)
    data = ["--config=voxgan:small", "--config.data.source=npz:own.npz", "--config.data.resolution=4"]
    run_mode("--mode=train", *data, *TINY, "--workdir=run", "--config.evaluation.num=8")
    assert "nn_accuracy" in capsys.readouterr().err
    run_mode("--mode=sample", "--workdir=run", "--num=3", "--out=made.npz")
    with np.load("made.npz") as file:
        assert file["voxels"].shape == (3, 4, 4, 4) and set(np.unique(file["voxels"])) <= {0, 1}
    run_mode("--mode=train_classifier", *data, "--kimg=0.016", "--out=judge.npz")
    run_mode("--mode=evaluate", "--workdir=run", "--features=classifier:judge.npz", "--num=8", "--out=a.json")
    assert {"fid", "cov", "connected"} < json.loads((tmp_path / "a.json").read_text())["results"].keys()
    with pytest.raises(UserError, match="that classifier is of the modality voxels, these data are image"):
        run_mode("--mode=evaluate", "--images_a=digits", "--images_b=digits", "--features=classifier:judge.npz")
