"""Games that translate, from pictures on the disk to pictures on the disk: watched, measured, used on any files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from tiny import get_config
from translating import config_for

from gan_jax import cli
from gan_jax.data import pictures
from gan_jax.errors import UserError
from gan_jax.evaluate import evaluate_run, make_fakes, monitored, open_translated
from gan_jax.experiment import build
from gan_jax.games.cyclegan import turned
from gan_jax.runners import make_runner
from gan_jax.sampling import Run, load_run, make_averager, make_sampler, sample_to_file, translated
from gan_jax.train import train
from gan_jax.translate import make_translator, translate_files

ROOT = Path(__file__).parent.parent
SIDE = 16
CYCLE_ALONE = {"identity": 0.0, "pool": 0}  # the sooner are they compiled
PIXELS_ALONE = {"perceptual": 0.0, "adversarial": 0.0}


def random_picture(seed, height=SIDE, width=SIDE, channels=3):
    """Smooth enough that JPEG and bicubic interpolation keep most of it."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, channels), np.uint8)
    return Image.fromarray(small.squeeze()).resize((width, height), Image.Resampling.BICUBIC)


def save_all(folder, count, make, first=0):
    folder.mkdir(parents=True)
    for number in range(first, first + count):
        make(number).save(folder / f"{number}.png")
    return f"folder:{folder}"


def pair_of(seed):
    """A picture on the left, its negative on the right."""
    left = np.asarray(random_picture(seed))
    return Image.fromarray(np.concatenate([left, 255 - left], axis=1))


def config_of(game, own=(), **changes):
    """Four rounds, and pictures only at the start and at the end."""
    few = {"sample_kimg": 1.0, "checkpoint_kimg": 1.0}
    return config_for(game, own, **{**few, **changes})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("translations")


@pytest.fixture(scope="module")
def halves(place):
    """pix2pix on six pairs, each a picture, watched and measured on three others."""
    source = save_all(place / "halves" / "train", 6, pair_of)
    other = save_all(place / "halves" / "val", 3, pair_of, first=50)
    changes = {"data.source": source, "data.pair": "left_right", "evaluation.source": other}
    changes |= {"evaluation.features": "auto", "eval_kimg": 0.004}
    train(config_of("pix2pix", **changes), place / "pix2pix", make_runner("jit"))
    return place / "pix2pix"


@pytest.fixture(scope="module")
def two(place):
    """CycleGAN on two sets without pairs: five inputs and nine targets."""
    inputs = save_all(place / "two" / "a", 5, random_picture)
    source = save_all(place / "two" / "b", 9, random_picture, first=20)
    changes = {"data.source": source, "data.inputs": inputs, "data.paired": False, "data.resident_mb": 0}
    train(config_of("cyclegan", CYCLE_ALONE, **changes), place / "cyclegan", make_runner("jit"))
    return place / "cyclegan"


@pytest.fixture(scope="module")
def halves_apart(halves, place):
    """CycleGAN on the pictures of pix2pix, which it does not take for pairs."""
    changes = {"data.source": f"folder:{place / 'halves' / 'train'}", "data.pair": "right_left"}
    changes |= {"data.paired": False, "data.resident_mb": 0}
    train(config_of("cyclegan", CYCLE_ALONE, **changes), place / "apart", make_runner("jit"))
    return place / "apart"


@pytest.fixture(scope="module")
def superres(place):
    """Grey pictures of 8x8, from 4x4; of 16, a quarter is held out."""
    source = save_all(place / "grey", 16, lambda seed: random_picture(seed, 8, 8, channels=1))
    changes = {"data.source": source, "data.task": "superres", "data.factor": 2, "data.held_out": 0.25}
    train(config_of("srgan", PIXELS_ALONE, **changes), place / "srgan", make_runner("jit"))
    return place / "srgan"


@pytest.fixture(scope="module")
def noise(place):
    """A run that does not translate."""
    train(get_config(total_kimg=0.016), place / "ring", make_runner("jit"))
    return place / "ring"


def used(workdir, given, out, **changes):
    options = {"direction": "ab", "image_size": "run", "halves": False, "animate": False, "seed": 0, "ema": True}
    translate_files(Path(workdir), Path(given), Path(out), **{**options, "checkpoint": "last", **changes})


def measured(workdir, **changes):
    options = {"real": None, "num": 100, "seed": 0, "metrics": "pairs", "features": "pixels", "checkpoint": "last"}
    return evaluate_run(workdir, **{**options, "ema": True, "out": None, **changes})


def opened(path):
    return np.asarray(Image.open(path))


def sampled(workdir, *given, turn=False):
    """What the averaged generator makes of uint8 [H, W, C], one by one and with the noise of their number."""
    run = load_run(workdir)
    variables = make_averager(run.experiment.game)(run.state)
    sample = make_sampler(run.experiment.game)
    variables = turned(variables) if turn else variables
    return [
        sample(variables, jax.random.key(0), image[None], np.array([number]))[0] for number, image in enumerate(given)
    ]


def assert_alike(made, wanted):
    """But for rounding: how many images a network sees at once changes the last digits."""
    made, wanted = np.asarray(made), np.asarray(wanted)
    assert made.shape == wanted.shape and np.abs(made.astype(int) - wanted).max() <= 1


def outputs(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


# Watched while training.


def columns_of_sheet(workdir, columns, side=SIDE):
    """The pictures of the last sheet, [a row, a column, H, W, C], two examples beside each other."""
    sheet = opened(sorted((workdir / "samples").glob("*.png"))[-1])
    factor = -(-56 // side)
    sheet = sheet[::factor, ::factor].reshape(len(sheet) // factor, -1, 1 if sheet.ndim == 2 else 3)
    assert sheet.shape[1] == 2 * columns * side
    cells = sheet.reshape(-1, side, 2 * columns, side, sheet.shape[2]).transpose(0, 2, 1, 3, 4)
    return cells.reshape(-1, columns, side, side, sheet.shape[2])


def test_a_sheet_of_pairs_shows_input_output_and_target(halves, place):
    cells = columns_of_sheet(halves, 3)
    pairs = [opened(place / "halves" / "val" / f"{number}.png") for number in (50, 51, 52)]
    assert len(cells) == 4 and not cells[3].any()  # three pairs, and an empty place
    for number, pair in enumerate(pairs):
        np.testing.assert_array_equal(cells[number, 0], pair[:, :SIDE])
        np.testing.assert_array_equal(cells[number, 2], pair[:, SIDE:])
    made = sampled(halves, *(pair[:, :SIDE] for pair in pairs))
    assert_alike(cells[:3, 1], made)


def test_a_sheet_without_pairs_shows_input_output_and_the_way_back(two, place):
    cells = columns_of_sheet(two, 3)
    assert len(cells) == 8
    inputs = [opened(place / "two" / "a" / f"{number % 5}.png") for number in range(8)]
    np.testing.assert_array_equal(cells[:, 0], inputs)
    assert_alike(cells[:, 1], sampled(two, *inputs))
    assert_alike(cells[:, 2], sampled(two, *cells[:, 1], turn=True))


def test_a_sheet_of_halves_that_are_no_pairs_shows_the_target_all_the_same(halves_apart, place):
    cells = columns_of_sheet(halves_apart, 4)
    for number in range(6):
        pair = opened(place / "halves" / "train" / f"{number}.png")
        np.testing.assert_array_equal(cells[number, 0], pair[:, SIDE:])
        np.testing.assert_array_equal(cells[number, 3], pair[:, :SIDE])


def test_a_sheet_of_enlarged_pictures_shows_small_inputs_as_large_ones(superres):
    cells = columns_of_sheet(superres, 3, side=8)
    assert len(cells) == 4  # a quarter of 16
    run = load_run(superres)
    held_out, _ = open_translated(run.config, (8, 8, 1))
    fake = translated(run.experiment.game, run.experiment.view, {}, held_out, 0)
    np.testing.assert_array_equal(cells[:, 2], held_out.read(np.arange(4))["image"])
    small = fake.inputs[np.arange(4)]
    assert small.shape == (4, 4, 4, 1)
    np.testing.assert_array_equal(cells[:, 0], pictures.like(small, (8, 8, 1)))
    assert_alike(cells[:, 1], sampled(superres, *small))


# Used on files.


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
    random_picture(0, 6, 10).save(tmp_path / "a.png")  # in colour, which the run's pictures are not
    used(superres, tmp_path / "a.png", tmp_path / "out", animate=True)
    grey = np.asarray(random_picture(0, 6, 10).convert("L"))[..., None]
    (made,) = sampled(superres, grey)
    assert made.shape == (12, 20, 1)
    assert_alike(opened(tmp_path / "out" / "a.png"), made[..., 0])
    beside = opened(tmp_path / "out" / "side_by_side" / "a.png")
    assert_alike(beside, np.concatenate([pictures.like(grey[None], (12, 20, 1))[0], made], axis=1)[..., 0])
    assert Image.open(tmp_path / "out" / "animated" / "a.png.gif").n_frames == 2
    with pytest.raises(UserError, match="--image_size=16: this run enlarges pictures of any size, leave it native"):
        used(superres, tmp_path / "a.png", tmp_path / "other", image_size="16")
    used(superres, tmp_path / "a.png", tmp_path / "native", image_size="native")
    assert_alike(opened(tmp_path / "native" / "a.png"), made[..., 0])


def test_grey_pictures_are_translated_as_coloured_ones(halves, tmp_path):
    random_picture(0, channels=1).save(tmp_path / "grey.png")
    used(halves, tmp_path / "grey.png", tmp_path / "out")
    (made,) = sampled(halves, np.asarray(random_picture(0, channels=1).convert("RGB")))
    assert_alike(opened(tmp_path / "out" / "grey.png"), made)


def test_what_is_coloured_lies_beside_its_grey_input():
    config = config_of("pix2pix", **{"data.task": "colorize"})
    experiment = build(config, (SIDE, SIDE, 3), 0)
    rng = np.random.default_rng(0)
    state = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), experiment.state_shapes)
    run = Run(config, experiment, state, {"image_shape": [SIDE, SIDE, 3]})
    translate = make_translator(run, direction="ab", image_size="run", seed=0, ema=False)
    before, after = translate(random_picture(0), 0)
    assert before.shape == after.shape == (SIDE, SIDE, 3)
    np.testing.assert_array_equal(before[..., 1], np.asarray(random_picture(0).convert("L")))
    assert (before == before[..., :1]).all() and not (after == after[..., :1]).all()


def test_the_way_back(two, halves, tmp_path):
    random_picture(3).save(tmp_path / "a.png")
    used(two, tmp_path / "a.png", tmp_path / "back", direction="ba")
    used(two, tmp_path / "a.png", tmp_path / "there")
    (back,) = sampled(two, np.asarray(random_picture(3)), turn=True)
    assert_alike(opened(tmp_path / "back" / "a.png"), back)
    assert (back != opened(tmp_path / "there" / "a.png")).any()
    with pytest.raises(UserError, match="--direction=ba: this run knows no way back"):
        used(halves, tmp_path / "a.png", tmp_path / "no", direction="ba")
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
        ("empty", "out", "empty: there are no pictures, .png, "),
        ("texts", "out", "texts: there are no pictures, .png, "),
        ("notes.txt", "out", "notes.txt: must be a picture, .png, "),
        ("broken.png", "out", "broken.png: cannot be read ("),
        ("cut.png", "out", "cut.png: cannot be read ("),
        ("a.png", "notes.txt", "notes.txt: must be a folder"),
    ):
        with pytest.raises(UserError) as caught:
            used(halves, tmp_path / given, tmp_path / out)
        assert message in str(caught.value) and len(str(caught.value).splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_a_broken_picture_among_others_does_not_undo_them(halves, tmp_path):
    random_picture(0).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"b\.png: cannot be read \(.*\); 1 pictures before it") as caught:
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
        ("a.png", "many", "--image_size=many must be native"),
        ("broken.png", "run", "broken.png: cannot be read (not a picture)"),
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
    with pytest.raises(UserError, match="ring does not translate images: use --mode=sample"):
        used(noise, tmp_path / "a.png", tmp_path / "out")
    with pytest.raises(UserError, match="pix2pix translates images: use --mode=translate --input=FILE_OR_FOLDER"):
        sample_to_file(halves, tmp_path / "b.png", num=4, seed=0, label=None, ema=True)
    with pytest.raises(UserError, match="holds no trained run"):
        used(tmp_path, tmp_path / "a.png", tmp_path / "out")
    assert outputs(tmp_path) == ["a.png"]


@pytest.mark.parametrize("missing", ["workdir", "input", "out"])
def test_the_command_line_says_what_it_needs(missing):
    given = {"workdir": "runs/a", "input": "a.png", "out": "b", "direction": "ab", "image_size": None, "seed": 0}
    with pytest.raises(UserError) as caught:
        cli.translate(**{**given, missing: None})
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


# Measured.


def test_pairs_are_measured_by_hand_too(halves, place):
    report = measured(halves)
    assert set(report.results) == {f"{name}{of}" for name in ("l1", "psnr", "ssim") for of in ("", "_input")}
    pairs = [opened(place / "halves" / "val" / f"{number}.png") for number in (50, 51, 52)]
    inputs, targets = [pair[:, :SIDE] for pair in pairs], [pair[:, SIDE:] for pair in pairs]
    for of, images in (("", sampled(halves, *inputs)), ("_input", inputs)):
        differences = [(a.astype(float) - b) / 255 for a, b in zip(images, targets, strict=True)]
        l1 = np.mean([np.abs(each).mean() for each in differences])
        psnr = np.mean([-10 * np.log10((each**2).mean()) for each in differences])
        assert report.results[f"l1{of}"] == pytest.approx(l1, rel=1e-4)
        assert report.results[f"psnr{of}"] == pytest.approx(psnr, rel=1e-4)
        assert -1 <= report.results[f"ssim{of}"] < 1
    assert report.protocol["real"]["source"] == f"folder:{place / 'halves' / 'val'}"  # config.evaluation.source
    assert (report.protocol["real"]["count"], report.protocol["fake"]["count"]) == (3, 3)
    assert report.protocol["features"] == "pixels as they are"


def test_the_best_round_of_pairs_has_the_largest_ssim(halves):
    lines = [json.loads(line) for line in (halves / "metrics.jsonl").read_text().splitlines()]
    seen = [line["evaluation/ssim"] for line in lines if "evaluation/ssim" in line]
    assert len(seen) == 2 and load_run(halves).record["best"]["ssim"] == max(seen)
    assert measured(halves).results["ssim"] == pytest.approx(seen[-1], abs=1e-5)


def test_other_pairs_to_measure_on(halves, place):
    report = measured(halves, real=f"folder:{place / 'halves' / 'train'}", num=4)
    assert report.protocol["real"]["source"] == f"folder:{place / 'halves' / 'train'}"
    assert (report.protocol["real"]["count"], report.protocol["fake"]["count"]) == (4, 4)
    with pytest.raises(UserError, match="nowhere: no such folder"):
        measured(halves, real="folder:nowhere")


def test_other_pairs_by_their_path_alone(halves, place):
    report = measured(halves, real=str(place / "halves" / "train"))
    assert report.protocol["real"]["source"] == f"folder:{place / 'halves' / 'train'}"


def test_ssim_needs_eleven_pixels_and_inputs_are_enlarged(superres):
    report = measured(superres)
    assert set(report.results) == {"l1", "psnr", "l1_input", "psnr_input"}  # of images of 8x8
    assert report.protocol["real"]["count"] == 4 and "(held out 0.25, split 0)" in report.protocol["real"]["source"]
    run = load_run(superres)
    source, _ = open_translated(run.config, (8, 8, 1))
    source, fakes, _ = make_fakes(run.experiment, source, 100, 0)
    examples = fakes(make_averager(run.experiment.game)(run.state)).read(np.arange(4))
    real = source.read(np.arange(4))["image"].astype(float)
    enlarged = [Image.fromarray(small[..., 0]).resize((8, 8), Image.Resampling.BICUBIC) for small in examples["input"]]
    for of, images in (("", examples["image"]), ("_input", np.stack(enlarged)[..., None])):
        squares = ((images - real) ** 2 / 255**2).mean(axis=(1, 2, 3))
        assert report.results[f"psnr{of}"] == pytest.approx(np.mean(-10 * np.log10(squares)), rel=1e-4)
        assert report.results[f"l1{of}"] == pytest.approx(np.abs(images - real).mean() / 255, rel=1e-4)


def test_without_pairs_there_is_no_target_to_be_near_to(two):
    with pytest.raises(UserError, match="pairs cannot be measured here: it needs a run that translates images, and"):
        measured(two)


def test_halves_are_measured_as_pairs_though_not_trained_on_as_such(halves_apart):
    results = measured(halves_apart).results
    assert set(results) == {f"{name}{of}" for name in ("l1", "psnr", "ssim") for of in ("", "_input")}


def test_two_sets_are_trained_on_without_a_word_about_evaluation(two, place):
    """There is nothing to measure while they are trained on without a network, so by default nothing is."""
    config = load_run(two).config
    config.evaluation.features = "auto"
    assert not monitored(config, open_translated(config, (SIDE, SIDE, 3))[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluation.source": "folder:nowhere"}, "config.evaluation.source: no such folder"),
        ({"evaluation.source": "ring"}, "only pictures of folder: or zip: have halves, not ring"),
        ({"data.image_size": "8"}, r"has images \[8, 8, 3\], the run makes \[16, 16, 3\]"),
    ],
)
def test_sources_that_cannot_be_measured_on(halves, changes, message):
    config = load_run(halves).config
    config.update_from_flattened_dict(changes)
    with pytest.raises(UserError, match=message) as caught:
        open_translated(config, (SIDE, SIDE, 3))
    assert len(str(caught.value).splitlines()) == 1


def test_two_folders_have_no_other_source(two, place):
    with pytest.raises(UserError, match=r"are set aside by config\.data\.held_out instead"):
        measured(two, real=f"folder:{place / 'two' / 'b'}")
