"""`--mode=walk`, `--mode=mix` and `--mode=sample --truncation`: what they write, and mistakes in one line."""

import jax
import numpy as np
import pytest
from PIL import Image, ImageSequence

from gan_jax.errors import UserError
from gan_jax.latent.mixing import mix, parse_layers


@pytest.fixture
def workdir(styles_workdir):
    return styles_workdir


@pytest.fixture
def run(styles_run):
    return styles_run


def test_the_latents_of_samples_become_the_samples(run):
    """By their numbers, in each space, whatever is decoded with them."""
    model, samples = run.model(), run.sample(12)
    for space in ("z", "w"):
        latents = model.draw(range(12), np.arange(12) % 10, space)
        assert np.abs(model.decode(latents).astype(int) - samples).max() <= 1
        assert np.abs(model.decode(latents.take(slice(3, 5))).astype(int) - samples[3:5]).max() <= 1
    with pytest.raises(UserError, match="--space=v: this run has none of that name"):
        model.draw([0], np.zeros(1, int), "v")


def test_truncation(run):
    """psi 0 is the mean of each class, 1 the samples; only the first layers move with a cutoff."""
    model = run.model()
    latents = model.draw(range(6), np.arange(6))
    mean = model.mean(latents.given, 6)
    np.testing.assert_allclose(model.truncated(latents, 0.0).values, mean, rtol=1e-5, atol=1e-6)
    half = model.truncated(latents, 0.5, 2).values
    np.testing.assert_allclose(half[:, :2], (latents.values + mean)[:, :2] / 2, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(half[:, 2:], latents.values[:, 2:], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(run.sample(6, truncation=0.5), model.decode(model.truncated(latents, 0.5)))
    with pytest.raises(UserError, match="--cutoff=7: this generator has 6 layers in the space w"):
        run.sample(2, truncation=0.5, cutoff=7)


def test_a_file_of_latents(run, tmp_path):
    model = run.model()
    latents = model.draw([4, 2], np.array([4, 2]))
    model.save(latents, tmp_path / "latents.npz")
    found = model.load(tmp_path / "latents.npz")
    jax.tree.map(np.testing.assert_array_equal, vars(found), vars(latents))
    with pytest.raises(UserError, match="is of another run, or of another checkpoint or average"):
        run.model(ema=False).load(tmp_path / "latents.npz")
    (tmp_path / "text.npz").write_text("no")
    for name, message in (
        ("text.npz", "is no file of this kind that gan_jax has written"),
        ("none.npz", "there is no such file"),
    ):
        with pytest.raises(UserError, match=message):
            model.load(tmp_path / name)


def test_walks(run_mode, workdir, tmp_path):
    walk = lambda out, *flags: run_mode("--mode=walk", f"--workdir={workdir}", f"--out={tmp_path / out}", *flags)
    walk("a.gif", "--seeds=1,2,3", "--frames=4")
    assert sum(1 for _ in ImageSequence.Iterator(Image.open(tmp_path / "a.gif"))) <= 9  # equal ones are one
    walk("b.webp", "--seeds=0-7", "--grid=2x2", "--frames=3", "--loop", "--spline", "--moving_noise")
    picture = Image.open(tmp_path / "b.webp")
    assert picture.size == (112, 112) and picture.n_frames == 6
    walk("c.png", "--seeds=0-1", "--frames=4", "--label=3", "--space=z", "--truncation=0.7")
    assert Image.open(tmp_path / "c.png").size == (5 * 56, 56)
    walk("c.png", "--seeds=0-1", "--frames=2", "--overwrite")
    assert Image.open(tmp_path / "c.png").size == (3 * 56, 56)


@pytest.mark.parametrize("flags, message", [
    (("--seeds=1,a",), "--seeds=1,a: must be numbers of samples from 0"),
    (("--seeds=3-1",), "--seeds=3-1: there is no number in it"),
    (("--seeds=1",), "--grid=1x1: 1 samples are not at least two for each"),
    (("--seeds=1-3", "--grid=2"), "--grid=2: must be ROWSxCOLUMNS"),
    (("--seeds=1-3", "--fps=0"), "at least 1 frame, and up to 50 a second"),
    (("--seeds=1-3", "--truncation=nan"), "--truncation=nan: must be a number"),
    ((), "--mode=walk needs --workdir=DIR, --out=FILE.gif and --seeds"),
])  # fmt: skip
def test_mistakes_in_a_walk(run_mode, workdir, tmp_path, flags, message):
    with pytest.raises(UserError, match=message):
        run_mode("--mode=walk", f"--workdir={workdir}", f"--out={tmp_path / 'a.gif'}", *flags)
    with pytest.raises(UserError, match=r"the extension must be one of \.gif"):
        run_mode("--mode=walk", f"--workdir={workdir}", f"--out={tmp_path / 'a.avi'}", "--seeds=1,2")


def test_layers():
    assert parse_layers("0-2,5", 6).tolist() == [True, True, True, False, False, True]
    assert parse_layers("all", 3).all()
    for text in ("6", "2-1", "x", "-1", ""):
        with pytest.raises(UserError, match=f"--layers={text}: "):
            parse_layers(text, 6)


def test_mixing_takes_layers_of_the_columns():
    rows, columns = np.zeros((2, 4, 3)), np.ones((5, 4, 3))
    mixed = mix(rows, columns, parse_layers("1-2", 4))
    assert mixed.shape == (2, 5, 4, 3)
    np.testing.assert_array_equal(mixed[0, 0, :, 0], [0, 1, 1, 0])


def test_a_table_of_mixed_layers(run_mode, workdir, run, tmp_path):
    out = tmp_path / "mixed.png"
    flags = f"--workdir={workdir}", f"--out={out}", "--seeds=0,1", "--columns=4-6"
    run_mode("--mode=mix", *flags, "--layers=0-2")
    table = np.asarray(Image.open(out))
    assert table.shape == (3 * 56, 4 * 56)
    samples = run.sample(7)
    shown = lambda row, column: table[56 * row : 56 * row + 56 : 2, 56 * column : 56 * column + 56 : 2].astype(int)
    assert np.abs(shown(1, 0) - samples[0, ..., 0]).max() <= 1 and np.abs(shown(0, 3) - samples[6, ..., 0]).max() <= 1
    run_mode("--mode=mix", *flags, "--layers=all", "--label=4", "--overwrite")
    table = np.asarray(Image.open(out))
    # Of one class, all layers are the column's; the noise, which has no strength yet, is the row's.
    assert np.abs(shown(1, 1) - shown(2, 1)).max() <= 1
    with pytest.raises(UserError, match="this generator has the layers 0 to 5"):
        run_mode("--mode=mix", *flags, "--layers=6", "--overwrite")
    with pytest.raises(UserError, match="needs --columns=6,7,8, samples, and --layers"):
        run_mode("--mode=mix", *flags[:3], "--overwrite")
