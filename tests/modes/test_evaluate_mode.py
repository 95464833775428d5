"""`--mode=evaluate` and `--mode=train_classifier`, whose features it may use, as a person meets them."""

import json

import numpy as np
import pytest

from gan_jax.errors import UserError


def test_evaluate_two_sets_in_a_process(program, tmp_path):
    np.savez(tmp_path / "a.npz", points=np.random.default_rng(0).normal(size=(500, 2)))
    flags = "--images_a=a.npz", "--images_b=ring", "--metrics=modes,pr", "--out=b.json"
    done = program("--mode=evaluate", *flags)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "b.json").read_text())["results"]
    assert set(results) == {"modes", "high_quality", "kl", "precision", "recall"} and results["high_quality"] < 0.1
    assert "precision" in done.stdout and "500 of a.npz" in done.stdout


def test_train_classifier_in_a_process(program, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    images = (rng.integers(0, 99, (200, 8, 8, 1)) + 150 * labels[:, None, None, None]).astype(np.uint8)
    np.savez(tmp_path / "dark_and_bright.npz", images=images, labels=labels)
    data = "--config.data.source=npz:dark_and_bright.npz"
    done = program("--mode=train_classifier", data, "--kimg=3", "--out=c.npz", JAX_DISABLE_MOST_OPTIMIZATIONS="1")
    assert done.returncode == 0, done.stderr
    assert "100.00% of 20 images of a tenth held out" in done.stdout
    files = "--images_a=dark_and_bright.npz", "--images_b=dark_and_bright.npz"
    done = program("--mode=evaluate", *files, "--features=classifier:c.npz", "--metrics=pr")
    assert done.returncode == 0 and "classifier c.npz" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "--mode=evaluate needs --workdir=DIR of a run, or --images_a=PATH and --images_b=PATH"),
        (["--images_a=x"], "--mode=evaluate needs --workdir=DIR of a run, or"),
        (["--images_b=x"], "--mode=evaluate needs --workdir=DIR of a run, or"),
        (["--workdir=x", "--out=x.txt"], "must be a .json file in a folder that exists"),
        (["--workdir=x", "--out=nowhere/x.json"], "must be a .json file in a folder that exists"),
        (["--workdir=x", "--num=0"], "--num=0: must be positive"),
        (["--workdir=x", "--seed=-1"], "--seed=-1: must be between"),
        (["--workdir=x", "--image_size=64"], "--image_size is for --images_a"),
        (["--workdir=nowhere"], "nowhere holds no trained run"),
        (["--workdir=x", "--code=nowhere"], "--code=nowhere: there is no such folder"),
        (["--images_a=nowhere", "--images_b=ring"], "nowhere: there is no such folder"),
        (["--images_a=ring", "--images_b=ring", "--noema"], "are taken as they are"),
        (["--images_a=ring", "--images_b=ring", "--checkpoint=best"], "are taken as they are"),
    ],
)
def test_mistakes_about_evaluations(run_mode, flags, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        run_mode("--mode=evaluate", *flags)
    assert message in str(caught.value) and len(str(caught.value).splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "--mode=train_classifier needs --out=FILE.npz"),
        (["--out=c.png"], "--mode=train_classifier needs --out=FILE.npz"),
        (["--out=c.npz", "--kimg=0"], "--kimg=0.0: must be positive"),
        (["--out=c.npz", "--kimg=nan"], "--kimg=nan: must be positive"),
        (["--out=c.npz", "--config.data.source=ring"], "needs labeled images"),
        (["--out=mine.npz", "--config.data.source=npz:mine.npz", "--overwrite"], "--out=mine.npz is the data"),
        (["--out=mine.npz", "--test=npz:mine.npz", "--overwrite"], "--out=mine.npz is the data"),
        (["--out=mine.npz"], "--out=mine.npz is there already"),
        (["--out=mine.npz", "--overwrite"], "gan_jax did not make it"),
    ],
)
def test_mistakes_about_classifiers(run_mode, flags, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "mine.npz", images=np.zeros((20, 8, 8, 1), np.uint8), labels=np.arange(20) % 2)
    before = (tmp_path / "mine.npz").read_bytes()
    with pytest.raises(UserError, match=message):
        run_mode("--mode=train_classifier", *flags)
    assert (tmp_path / "mine.npz").read_bytes() == before
