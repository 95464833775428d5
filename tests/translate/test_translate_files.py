"""Games that translate, used on any files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from translating import SIDE, assert_alike, config_for, opened, random_picture, sampled

from gan_jax.data import fields_of, make_source, pictures
from gan_jax.errors import UserError
from gan_jax.experiment import build
from gan_jax.modes.translate import run as run_mode
from gan_jax.run import Run, sample_to_file
from gan_jax.translate import find_map, make_translator, side_by_side, translate_files

ROOT = Path(__file__).parent.parent.parent


def used(workdir, given, out, **changes):
    options = {"direction": None, "image_size": "run", "halves": False, "animate": False, "seed": 0, "ema": True}
    translate_files(Path(workdir), Path(given), Path(out), **{**options, "checkpoint": "last", **changes})


def outputs(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_one_picture_keeps_its_name_and_its_size(halves, tmp_path):
    random_picture(3).save(tmp_path / "house.png")
    used(halves, tmp_path / "house.png", tmp_path / "new" / "out")
    assert outputs(tmp_path / "new" / "out") == ["house.png", "side_by_side/house.png"]
    given = np.asarray(random_picture(3))
    (made,) = sampled(halves, given)
    assert_alike(opened(tmp_path / "new" / "out" / "house.png"), made)
    beside = opened(tmp_path / "new" / "out" / "side_by_side" / "house.png")
    assert_alike(beside, np.concatenate([given, made], axis=1))


KINDS = {"a.jpg": (16, 16), "b/c.webp": (40, 20), "b/d/e.gif": (9, 31), "f.bmp": (5, 7), "g.PNG": (16, 16)}


@pytest.mark.parametrize("image_size", ["run", "native", "24", "12x20"])
def test_a_folder_of_pictures_of_all_kinds_and_sizes(halves, tmp_path, image_size):
    for number, (name, size) in enumerate(KINDS.items()):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        random_picture(number, *size).save(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    used(halves, tmp_path / "in", tmp_path / "out", image_size=image_size, animate=True)
    expected = sorted(KINDS)
    folders = [f"animated/{name}.gif" for name in expected] + [f"side_by_side/{name}" for name in expected]
    assert outputs(tmp_path / "out") == sorted(expected + folders)
    for name, (height, width) in KINDS.items():
        out = Image.open(tmp_path / "out" / name)
        assert out.size == (width, height) and out.format == Image.open(tmp_path / "in" / name).format
        assert Image.open(tmp_path / "out" / "side_by_side" / name).size == (2 * width, height)
        animation = Image.open(tmp_path / "out" / "animated" / f"{name}.gif")
        assert animation.size == (width, height) and animation.n_frames == 2


def test_pictures_of_another_size_are_stretched_there_and_back(halves, tmp_path):
    random_picture(3, 20, 40).save(tmp_path / "a.png")
    used(halves, tmp_path / "a.png", tmp_path / "out")
    given = pictures.resize(np.asarray(random_picture(3, 20, 40))[None], (SIDE, SIDE), "stretch")
    made = pictures.resize(np.stack(sampled(halves, *given)), (20, 40), "stretch")
    assert_alike(opened(tmp_path / "out" / "a.png"), made[0])


def test_native_pictures_are_translated_as_they_are(two, tmp_path):
    random_picture(3, 9, 12).save(tmp_path / "a.png")
    used(two, tmp_path / "a.png", tmp_path / "out", image_size="native")
    (made,) = sampled(two, np.asarray(random_picture(3, 9, 12)))
    assert_alike(opened(tmp_path / "out" / "a.png"), made)


def test_results_of_an_enlarging_run_are_larger(superres, tmp_path):
    random_picture(0, 6, 10).save(tmp_path / "a.png")  # in color, which the run's pictures are not
    used(superres, tmp_path / "a.png", tmp_path / "out", animate=True)
    gray = np.asarray(random_picture(0, 6, 10).convert("L"))[..., None]
    (made,) = sampled(superres, gray)
    assert made.shape == (12, 20, 1)
    assert_alike(opened(tmp_path / "out" / "a.png"), made[..., 0])
    beside = opened(tmp_path / "out" / "side_by_side" / "a.png")
    assert_alike(beside, np.concatenate([pictures.like(gray[None], (12, 20, 1))[0], made], axis=1)[..., 0])
    assert Image.open(tmp_path / "out" / "animated" / "a.png.gif").n_frames == 2
    with pytest.raises(UserError, match="--image_size=16: this run enlarges pictures of any size, leave it native"):
        used(superres, tmp_path / "a.png", tmp_path / "other", image_size="16")
    used(superres, tmp_path / "a.png", tmp_path / "native", image_size="native")
    assert_alike(opened(tmp_path / "native" / "a.png"), made[..., 0])


def test_gray_pictures_are_translated_as_colored_ones(halves, tmp_path):
    random_picture(0, channels=1).save(tmp_path / "gray.png")
    used(halves, tmp_path / "gray.png", tmp_path / "out")
    (made,) = sampled(halves, np.asarray(random_picture(0, channels=1).convert("RGB")))
    assert_alike(opened(tmp_path / "out" / "gray.png"), made)


def test_what_is_colored_lies_beside_its_gray_input():
    config = config_for("pix2pix", **{"data.task": "colorize"})
    source = make_source("image", np.zeros((2, SIDE, SIDE, 3), np.uint8))
    experiment = build(config, fields_of(config.data, source))
    rng = np.random.default_rng(0)
    state = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), experiment.state_shapes)
    run = Run(Path("run"), config, experiment, state, {})
    field, made = experiment.fields["input"], experiment.fields["image"]
    gray = np.asarray(random_picture(0).convert("L"))
    example = gray[None, ..., None]
    result = make_translator(run, find_map(run, None), image_size="run", seed=0, ema=False)(example, 0)
    before, after = side_by_side(example, field, result, made)
    assert before.shape == after.shape == (SIDE, SIDE, 3)
    np.testing.assert_array_equal(before[..., 1], gray)
    assert (before == before[..., :1]).all() and not (after == after[..., :1]).all()


def test_the_way_back(two, halves, tmp_path):
    random_picture(3).save(tmp_path / "a.png")
    used(two, tmp_path / "a.png", tmp_path / "back", direction="ba")
    used(two, tmp_path / "a.png", tmp_path / "there")
    (back,) = sampled(two, np.asarray(random_picture(3)), name="ba")
    assert_alike(opened(tmp_path / "back" / "a.png"), back)
    assert (back != opened(tmp_path / "there" / "a.png")).any()
    with pytest.raises(UserError, match=r"--direction=ba: .*pix2pix has no such map; there are: ab"):
        used(halves, tmp_path / "a.png", tmp_path / "no", direction="ba")
    with pytest.raises(UserError, match=r"--direction=aba: .*cyclegan has no such map; "):
        used(two, tmp_path / "a.png", tmp_path / "no", direction="aba")
    assert not (tmp_path / "no").exists()


def test_the_newest_parameters_make_other_pictures(two, tmp_path):
    random_picture(3).save(tmp_path / "a.png")
    for name, ema in (("averaged", True), ("newest", False)):
        used(two, tmp_path / "a.png", tmp_path / name, ema=ema)
    assert (opened(tmp_path / "averaged" / "a.png") != opened(tmp_path / "newest" / "a.png")).any()


def test_mistakes_about_files(halves, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "texts").mkdir()
    shutil.copy(tmp_path / "notes.txt", tmp_path / "texts")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    random_picture(0).save(tmp_path / "a.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:-200])
    for given, out, message in (
        ("nowhere", "out", "nowhere: there is no such file or folder"),
        ("empty", "out", "empty: there are no files in it that can be translated, .png, "),
        ("texts", "out", "texts: there are no files in it that can be translated, .png, "),
        ("notes.txt", "out", "notes.txt: the extension must be one of .png, "),
        ("broken.png", "out", "broken.png cannot be read ("),
        ("cut.png", "out", "cut.png cannot be read ("),
        ("a.png", "notes.txt", "notes.txt: must be a folder"),
    ):
        with pytest.raises(UserError) as caught:
            used(halves, tmp_path / given, tmp_path / out)
        assert message in str(caught.value) and len(str(caught.value).splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_a_broken_picture_among_others_does_not_undo_them(halves, tmp_path):
    random_picture(0).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"b\.png cannot be read \(.*\); 1 files before it") as caught:
        used(halves, tmp_path, tmp_path / "out")
    assert len(str(caught.value).splitlines()) == 1
    assert outputs(tmp_path / "out") == ["a.png", "side_by_side/a.png"]


@pytest.mark.parametrize("there", ["b.png", "side_by_side/b.png", "animated/b.png.gif"])
def test_nothing_is_overwritten(halves, tmp_path, there):
    for name in "ab":
        (tmp_path / "in").mkdir(exist_ok=True)
        random_picture(0).save(tmp_path / "in" / f"{name}.png")
    (tmp_path / "out" / there).parent.mkdir(parents=True)
    (tmp_path / "out" / there).write_text("mine")
    with pytest.raises(UserError, match=f"{there} is there already: choose another --out"):
        used(halves, tmp_path / "in", tmp_path / "out", animate=True)
    assert outputs(tmp_path / "out") == [there] and (tmp_path / "out" / there).read_text() == "mine"


def test_only_what_the_library_made_is_overwritten_and_only_if_wanted(halves, tmp_path):
    random_picture(0).save(tmp_path / "a.png")
    used(halves, tmp_path / "a.png", tmp_path / "out")
    random_picture(1).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png is there already: .* --overwrite"):
        used(halves, tmp_path / "a.png", tmp_path / "out")
    used(halves, tmp_path / "a.png", tmp_path / "out", overwrite=True)
    (made,) = sampled(halves, np.asarray(random_picture(1)))
    assert_alike(opened(tmp_path / "out" / "a.png"), made)
    random_picture(2).save(tmp_path / "out" / "side_by_side" / "a.png")
    with pytest.raises(UserError, match=r"a\.png is there already and gan_jax did not make it"):
        used(halves, tmp_path / "a.png", tmp_path / "out", overwrite=True)


def test_results_can_be_translated_back_without_what_lies_beside_them(two, tmp_path):
    random_picture(3).save(tmp_path / "a.png")
    used(two, tmp_path / "a.png", tmp_path / "there", animate=True)
    used(two, tmp_path / "there", tmp_path / "back", direction="ba")
    assert outputs(tmp_path / "back") == ["a.png", "side_by_side/a.png"]


def test_of_a_pair_the_half_that_is_the_input_is_translated(halves, two, tmp_path):
    """The run was trained on halves, the left one being the input."""
    left, right = random_picture(1), random_picture(2)
    both = Image.new("RGB", (left.width + right.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    both.save(tmp_path / "both.png")
    left.save(tmp_path / "left.png")
    used(halves, tmp_path / "both.png", tmp_path / "cut", halves=True)
    used(halves, tmp_path / "left.png", tmp_path / "whole")
    np.testing.assert_array_equal(opened(tmp_path / "cut" / "both.png"), opened(tmp_path / "whole" / "left.png"))
    with pytest.raises(UserError, match="--halves: this run was not trained on halves"):
        used(two, tmp_path / "both.png", tmp_path / "out", halves=True)
    both.crop((0, 0, 7, 4)).save(tmp_path / "odd.png")
    with pytest.raises(UserError, match=r"odd\.png: a picture that is 7 pixels wide has no two halves"):
        used(halves, tmp_path / "odd.png", tmp_path / "out", halves=True)


@pytest.mark.parametrize(
    ("name", "image_size", "message"),
    [
        ("a.png", "many", "--image_size=many: must be native"),
        ("broken.png", "run", "broken.png cannot be read (not a picture)"),
        ("small.png", "native", "small.png"),
    ],
)
def test_messages_name_what_is_wrong(two, tmp_path, name, image_size, message):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    random_picture(0).save(tmp_path / "a.png")
    random_picture(0, 3, 3).save(tmp_path / "small.png")
    with pytest.raises(UserError) as caught:
        used(two, tmp_path / name, tmp_path / "out", image_size=image_size)
    assert message in str(caught.value) and "data.image_size" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_translating_and_sampling_are_for_their_own_runs(noise, halves, tmp_path):
    random_picture(0).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="ring does not translate files: use --mode=sample"):
        used(noise, tmp_path / "a.png", tmp_path / "out")
    with pytest.raises(UserError, match=r"pix2pix makes nothing from noise.* use --mode=translate --input="):
        sample_to_file(halves, tmp_path / "b.png", num=4, seed=0, label=None, ema=True)
    with pytest.raises(UserError, match="holds no trained run"):
        used(tmp_path, tmp_path / "a.png", tmp_path / "out")
    assert outputs(tmp_path) == ["a.png"]


@pytest.mark.parametrize("missing", ["workdir", "input", "out"])
def test_the_command_line_says_what_it_needs(missing):
    given = {"workdir": "runs/a", "input": "a.png", "out": "b", "direction": "ab", "image_size": None, "seed": 0}
    given |= {"ema": True, "half_life": None}
    with pytest.raises(UserError) as caught:
        run_mode(**{**given, missing: None})
    assert str(caught.value) == "--mode=translate needs --workdir=DIR, --input=FILE_OR_FOLDER and --out=FOLDER"


def test_the_command_line(two, tmp_path):
    random_picture(0).save(tmp_path / "a.png")

    def main(*arguments):
        command = [sys.executable, ROOT / "main.py", "--mode=translate", *map(str, arguments)]
        environment = os.environ | {"XLA_FLAGS": ""}
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    lacking = main(f"--workdir={two}", "--out=out")
    assert lacking.returncode == 2 and len(lacking.stderr.splitlines()) == 1
    assert "needs --workdir=DIR, --input=FILE_OR_FOLDER" in lacking.stderr
    done = main(f"--workdir={two}", "--input=a.png", "--out=out", "--direction=ba", "--animate", "--noema")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 translated -> out, beside their inputs -> out/side_by_side\n"
    assert outputs(tmp_path / "out") == ["a.png", "animated/a.png.gif", "side_by_side/a.png"]
