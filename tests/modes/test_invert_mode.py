"""`--mode=invert`: pictures, latents, a copy of the run; where it goes on; mistakes in one line."""

import os
import signal

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax import invert
from gan_jax.errors import Interrupted, UserError
from gan_jax.latent import noise_effects
from gan_jax.run import load

QUICK = "--steps=20", "--label=3"


@pytest.fixture(scope="module")
def digits_run(digits_workdir):
    return load(digits_workdir)


@pytest.fixture
def folder(tmp_path, digits_run):
    """Four samples of class 3 as pictures, one of them in a folder, one of twice the size."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for i, (name, image) in enumerate(zip(("a", "b", "c", "sub/d"), digits_run.sample(4, label=3), strict=True)):
        picture = Image.fromarray(image[..., 0])
        (picture.resize((56, 56)) if i == 1 else picture).save(tmp_path / "in" / f"{name}.png")
    return tmp_path / "in"


@pytest.fixture
def start(run_mode, digits_workdir, folder):
    def start(out, *flags, given=folder):
        run_mode("--mode=invert", f"--workdir={digits_workdir}", f"--input={given}", f"--out={out}", *flags)

    return start


def test_what_is_written(start, digits_run, tmp_path, capsys):
    start(tmp_path / "out", *QUICK, f"--tuned={tmp_path / 'tuned'}", "--tune_steps=30")
    model = digits_run.model()
    latents = model.load(tmp_path / "out" / "latents.npz")
    assert latents.notes["picture"].tolist() == ["a.png", "b.png", "c.png", "sub/d.png"]
    assert latents.values.shape == (4, 1, 4) and (latents.given["label"] == 3).all()
    projection = np.asarray(Image.open(tmp_path / "out" / "sub" / "d.png"))
    np.testing.assert_array_equal(projection, model.decode(latents)[3, ..., 0])
    beside = np.asarray(Image.open(tmp_path / "out" / "side_by_side" / "sub" / "d.png")).astype(int)
    given, made, difference = np.split(beside, 3, axis=1)
    np.testing.assert_array_equal(made, projection)
    np.testing.assert_array_equal(difference, np.abs(given - made))
    psnr = 20 * np.log10(255) - 10 * np.log10(np.mean((given - made) ** 2))
    np.testing.assert_allclose(latents.notes["psnr"][3], psnr, rtol=1e-4)

    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("4 pictures: PSNR ")
    tuned = load(tmp_path / "tuned")
    moved = tuned.model().load(tmp_path / "tuned" / "inverted" / "latents.npz")
    np.testing.assert_array_equal(moved.values, latents.values)
    assert moved.notes["psnr"].mean() > latents.notes["psnr"].mean()
    assert (tmp_path / "tuned" / "inverted" / "side_by_side" / "a.png").is_file()
    assert tuned.state.step == digits_run.state.step
    with pytest.raises(UserError, match="is there already: choose another folder"):
        start(tmp_path / "other", *QUICK, f"--tuned={tmp_path / 'tuned'}")


def test_it_goes_on_where_it_was_stopped(start, tmp_path, monkeypatch, capsys, digits_run):
    """And what it finds then is what it would have found."""
    monkeypatch.setattr("gan_jax.latent.inversion.ROWS", 1)
    monkeypatch.setattr(jax, "local_device_count", lambda: 1)  # a picture at a time
    start(tmp_path / "whole", *QUICK)

    def stopping(title, total, unit):
        for number in range(total):
            if number == 50:
                os.kill(os.getpid(), signal.SIGTERM)
            yield number

    with monkeypatch.context() as patch:
        patch.setattr(invert, "progress", stopping)
        with pytest.raises(Interrupted, match="stopped, 2 of 4 pictures are inverted: rerun the same command"):
            start(tmp_path / "out", *QUICK)
    capsys.readouterr()
    start(tmp_path / "out", *QUICK)
    assert "2 of 4 pictures are inverted already" in capsys.readouterr().err
    whole, resumed = (digits_run.model().load(tmp_path / out / "latents.npz") for out in ("whole", "out"))
    jax.tree.map(np.testing.assert_array_equal, resumed, whole)
    with pytest.raises(UserError, match="has latents of other pictures, or found otherwise: choose another folder"):
        start(tmp_path / "out", *QUICK, "--restarts=2")
    start(tmp_path / "out", *QUICK, "--steps=0", "--overwrite")


@pytest.mark.parametrize("flags, message", [
    (("--space=v",), "--space=v: this run has none of that name"),
    (("--label=x",), "--label=x: the labels of this model are 0 to 9"),
    (("--steps=-1",), "--steps must not be negative"),
    (("--learning_rate=nan",), "must be a weight, and a positive number"),
    (("--restarts=0",), "--restarts and --tune_steps must be positive"),
])  # fmt: skip
def test_mistakes(start, tmp_path, flags, message):
    with pytest.raises(UserError, match=message):
        start(tmp_path / "out", *QUICK, *flags)
    assert not (tmp_path / "out").exists()


def test_colors_of_a_gray_run(start, tmp_path):
    Image.new("RGB", (28, 28), "red").save(tmp_path / "red.png")
    with pytest.raises(UserError, match=r"red.png has colors, but this run makes gray pictures"):
        start(tmp_path / "out", *QUICK, given=tmp_path / "red.png")
    Image.new("RGB", (28, 28), "gray").save(tmp_path / "gray.png")
    start(tmp_path / "out", "--steps=1", "--label=3", given=tmp_path / "gray.png")


def test_what_noise_moves(run_mode, styles_workdir, tmp_path, monkeypatch, capsys):
    flags = "--mode=noise", f"--workdir={styles_workdir}", f"--out={tmp_path / 'noise.png'}", "--seeds=0,1"
    run_mode(*flags, "--draws=4", "--coarse=2")
    assert "deviation in levels of 255: all layers 0." in capsys.readouterr().out
    assert Image.open(tmp_path / "noise.png").height > 2 * 56
    with pytest.raises(UserError, match="--coarse=6: this generator has the layers 0 to 5"):
        run_mode(*flags, "--coarse=6", "--overwrite")
    monkeypatch.setattr(noise_effects, "noise_deviation", lambda *_: np.zeros((2, 28, 28)))
    with pytest.raises(UserError, match="noise moves nothing: its generator has none, or uses none yet"):
        run_mode(*flags, "--overwrite")
