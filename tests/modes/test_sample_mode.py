"""`--mode=sample`: arrays and pictures of a trained run."""

import numpy as np
import pytest
from PIL import Image
from tiny import get_config

from gan_jax.errors import UserError
from gan_jax.loop import train
from gan_jax.runners import make_runner


@pytest.fixture
def sample(run_mode):
    def sample(workdir, out, *flags, num=5):
        run_mode("--mode=sample", f"--workdir={workdir}", f"--out={out}", f"--num={num}", *flags)

    return sample


def test_samples_of_a_conditional_game(digits_workdir, tmp_path, sample):
    sample(digits_workdir, tmp_path / "a.npz", num=23)
    arrays = np.load(tmp_path / "a.npz")
    assert arrays["images"].shape == (23, 28, 28, 1) and arrays["images"].dtype == np.uint8
    assert arrays["labels"].tolist() == [i % 10 for i in range(23)]
    sample(digits_workdir, tmp_path / "b.npz", "--label=4", num=3)
    assert np.load(tmp_path / "b.npz")["labels"].tolist() == [4, 4, 4]
    np.testing.assert_array_equal(np.load(tmp_path / "b.npz")["images"].shape, (3, 28, 28, 1))


def test_seed_ema_and_number(digits_workdir, tmp_path, sample):
    def sampled(*flags, num=5):
        sample(digits_workdir, tmp_path / "a.npz", "--overwrite", *flags, num=num)
        return np.load(tmp_path / "a.npz")["images"]

    np.testing.assert_array_equal(sampled(num=200)[:5], sampled())
    assert not np.array_equal(sampled(), sampled("--seed=1"))
    assert not np.array_equal(sampled(), sampled("--noema"))


def test_samples_as_a_picture(digits_workdir, tmp_path, sample):
    sample(digits_workdir, tmp_path / "a.png", num=20)
    assert Image.open(tmp_path / "a.png").size == (10 * 56, 2 * 56)  # a column a class
    sample(digits_workdir, tmp_path / "b.png", "--label=3", num=10)
    assert Image.open(tmp_path / "b.png").size == (4 * 56, 3 * 56)


@pytest.mark.parametrize("name", ["a.npz", "a.png", "a.jpg", "a.webp"])
def test_what_is_there_is_replaced_only_if_asked_and_if_it_is_ours(digits_workdir, tmp_path, sample, name):
    out = tmp_path / name
    sample(digits_workdir, out)
    before = out.read_bytes()
    with pytest.raises(UserError, match=r"is there already: .* --overwrite"):
        sample(digits_workdir, out, "--seed=1")
    assert out.read_bytes() == before
    sample(digits_workdir, out, "--seed=1", "--overwrite")
    assert out.read_bytes() != before
    out.write_text("somebody's")
    with pytest.raises(UserError, match="gan_jax did not make it"):
        sample(digits_workdir, out, "--overwrite")
    assert out.read_text() == "somebody's"


@pytest.mark.parametrize(
    "out, flags, message",
    [
        ("a.npz", ["--label=10"], "10"),
        ("a.npz", ["--label=-1"], "-1"),
        ("a.npz", ["--num=0"], "num=0"),
        ("a.npz", ["--seed=-1"], "--seed=-1: must be between 0 and 4294967295"),
        ("a.tiff", [], "extension must be"),
        ("a", [], "extension must be"),
        ("nowhere/a.png", [], "there is no folder"),
    ],
)
def test_bad_samples(digits_workdir, tmp_path, sample, out, flags, message):
    with pytest.raises(UserError, match=message):
        sample(digits_workdir, tmp_path / out, *flags)
    assert not list(tmp_path.iterdir())


def test_nothing_to_sample_from(tmp_path, sample, run_mode):
    with pytest.raises(UserError, match="--mode=sample needs --workdir=DIR and --out=FILE"):
        run_mode("--mode=sample", "--out=a.png")
    with pytest.raises(UserError, match="holds no trained run"):
        sample(tmp_path, tmp_path / "a.png")
    train(get_config(total_kimg=0.016), tmp_path / "run", make_runner("jit"))
    with pytest.raises(UserError, match="--label=1: this model is unconditional"):
        sample(tmp_path / "run", tmp_path / "a.npz", "--label=1")
