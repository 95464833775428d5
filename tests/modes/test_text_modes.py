"""Runs that make pictures of captions: trained, resumed, sampled, walked through and evaluated on the command line."""

import chex
import numpy as np
import pytest
from PIL import Image
from whole_runs import run, stop_after

from gan_jax.config import complete
from gan_jax.data import fields_of, open_source
from gan_jax.errors import Interrupted, UserError
from gan_jax.evaluate import is_monitored
from gan_jax.evaluation import matcher
from gan_jax.evaluation.metrics import r_precision
from gan_jax.experiment import build
from gan_jax.run import load

COLORS = {"red": (220, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 220)}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Twelve pictures in three colors, with captions beside them."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(12):
        name = list(COLORS)[number % 3]
        Image.new("RGB", (8, 8), COLORS[name]).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"a {name} square\n{name}, number {number}\n")
    return folder


@pytest.fixture(scope="module")
def config(pictures):
    """Two rounds of each stage."""
    networks = {
        "latent_size": 3,
        "text_size": 4,
        "condition_size": 4,
        "text": {"width": 4},
        "generator": {"width": 2, "norm": "batch"},
        "refiner": {"width": 2, "halvings": 1, "blocks": 1},
        "discriminator": {"width": 2, "norm": "none"},
    }
    given = {"game": "stackgan", "networks": networks, "batch_size": 4, "total_kimg": 0.016, "stage_kimg": 0.008}
    data = {"source": f"folder:{pictures}", "caption": "txt"}
    often = dict.fromkeys(("log_kimg", "sample_kimg", "checkpoint_kimg"), 0.008)
    terms = {"adversarial": {}, "kl": {}}
    return complete(
        {**given, **often, "data": data, "doublings": 1, "terms": terms, "evaluation": {"features": "none"}}
    )


@pytest.fixture(scope="module")
def trained(config, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("stackgan") / "run"
    return workdir, run(config, workdir)[0]


def test_it_resumes_exactly_in_the_second_stage(trained, config, tmp_path, monkeypatch):
    whole = trained[1]
    assert int(whole.step) == 4 and float(whole.variables["refiner"]["growth"]["level"]) == 1
    stop_after(3, monkeypatch)
    with pytest.raises(Interrupted):
        run(config, tmp_path / "part")
    monkeypatch.undo()
    chex.assert_trees_all_equal(run(config, tmp_path / "part")[0], whole)


def test_pictures_of_what_is_said(trained, tmp_path, run_mode, capsys):
    def sample(name, *flags, num=4):
        run_mode("--mode=sample", f"--workdir={trained[0]}", f"--out={tmp_path / name}", f"--num={num}", *flags)
        return tmp_path / name

    said = np.load(sample("a.npz", "--text=a red square", "--text=Blue!"))
    assert said["captions"].tolist() == ["a red square", "Blue!", "a red square", "Blue!"]
    assert said["images"].shape == (4, 8, 8, 3) and np.ptp(said["images"], axis=0).any()
    (tmp_path / "said.txt").write_text("a red square\n\nBlue!\n")
    of_file = np.load(sample("b.npz", f"--text={tmp_path / 'said.txt'}"))
    np.testing.assert_array_equal(of_file["images"], said["images"])
    of_training = np.load(sample("c.npz"))["captions"].tolist()
    assert of_training[0] == "a red square" and set(of_training) <= {f"a {name} square" for name in COLORS}
    wide, high = Image.open(sample("d.png", "--text=a red square")).size
    assert high > 2 * 112 and wide >= 2 * 112  # two rows, with captions
    assert Image.open(sample("e.png", "--text=red", num=1)).size == (8, 8)
    capsys.readouterr()
    sample("f.npz", "--text=a purple square")
    assert capsys.readouterr().err == "words that this run does not know are left out: purple\n"
    with pytest.raises(UserError, match="--text='purple': this run knows none of its words"):
        sample("g.npz", "--text=purple")
    with pytest.raises(UserError, match=r"no\.txt cannot be read"):
        sample("g.npz", f"--text={tmp_path / 'no.txt'}")
    with pytest.raises(UserError, match="there is no word in it"):
        sample("g.npz", "--text= ")


def test_text_is_for_runs_that_have_captions(digits_workdir, tmp_path, run_mode):
    with pytest.raises(UserError, match=r"--text=.*this run makes nothing of captions"):
        run_mode("--mode=sample", f"--workdir={digits_workdir}", f"--out={tmp_path / 'a.png'}", "--text=seven")


def test_it_is_judged_in_training_only_if_it_is_said_how(config):
    """Of captions no picture is the only right one, so pixels do not count, and Inception would be a download."""
    source = open_source(config.data)
    experiment = build(config, fields_of(config.data, source))
    asked = lambda name: is_monitored(
        complete({**config.to_dict(), "evaluation": {"features": name}}), experiment, source
    )
    assert not asked("auto") and asked("matcher")


def test_between_captions(trained, tmp_path, run_mode):
    out = tmp_path / "walk.png"
    given = ["--seeds=2,2", "--text=a red square", "--text=a blue square", "--frames=3", f"--out={out}"]
    run_mode("--mode=walk", f"--workdir={trained[0]}", *given)
    ends = load(trained[0]).sample(3, text=["a red square"])[2], load(trained[0]).sample(3, text=["a blue square"])[2]
    frames = np.split(np.asarray(Image.open(out)), 4, axis=1)
    small = [frame[::7, ::7] for frame in frames]
    np.testing.assert_array_equal(small[0], ends[0])
    np.testing.assert_array_equal(small[-1], ends[1])
    whole = load(trained[0])
    model = whole.model()
    drawn = model.draw([0, 1], np.zeros(2, int), text=["a red square"])
    np.testing.assert_array_equal(model.decode(drawn), whole.sample(2, text="a red square"))
    assert whole.sample(2, truncation=0.5, text="red").shape == (2, 8, 8, 3)


def test_a_run_is_judged_by_a_matcher(trained, pictures, tmp_path, run_mode, capsys, monkeypatch):
    judge, data = tmp_path / "m.npz", [f"--config.data.source=folder:{pictures}", "--config.data.caption=txt"]
    with pytest.raises(UserError, match="R-precision needs 100 different captions, and there are 1"):
        run_mode("--mode=train_matcher", *data, f"--out={judge}", "--kimg=0.1")
    monkeypatch.setattr(matcher, "AMONG", 3)
    run_mode("--mode=train_matcher", *data, f"--test=folder:{pictures}", f"--out={judge}", "--kimg=0.1")
    assert "of 12 images of folder" in capsys.readouterr().out
    flags = [f"--features=matcher:{judge}", "--num=12"]
    monkeypatch.setattr(r_precision, "METRIC", r_precision.METRIC._replace(least=3))
    run_mode("--mode=evaluate", f"--workdir={trained[0]}", *flags, "--metrics=fid,r_precision")
    printed = capsys.readouterr().out
    assert "r_precision_real" in printed and f"matcher {judge}" in printed
    with pytest.raises(UserError, match="words cannot be measured here: it needs a matcher"):
        run_mode("--mode=evaluate", f"--workdir={trained[0]}", *flags, "--metrics=words")
    others = tmp_path / "others"  # whose words have other numbers
    others.mkdir()
    for number in range(8):
        Image.new("RGB", (8, 8), COLORS["blue"]).save(others / f"{number}.png")
        (others / f"{number}.txt").write_text("an azure square, blue\n")
    run_mode("--mode=evaluate", f"--workdir={trained[0]}", *flags, "--metrics=fid", f"--images_b=folder:{others}")
    assert f"folder:{others}" in capsys.readouterr().out
