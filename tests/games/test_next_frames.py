"""The game of next frames: its losses from its networks' outputs, recursion, whole runs, and files."""

import itertools
import json

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from clips import frames, save_frames, tiny_config
from PIL import Image

from gan_jax import data, regularizers
from gan_jax.errors import UserError
from gan_jax.evaluate import evaluate_run
from gan_jax.experiment import build
from gan_jax.games.next_frames import make_game, one_by_one, side_by_side
from gan_jax.loop import train
from gan_jax.modalities import Field, image, video
from gan_jax.networks import multiscale, patch
from gan_jax.networks.resampling import pool
from gan_jax.run import load
from gan_jax.runners import make_runner
from gan_jax.translate import translate_files

KEY, SIDE = jax.random.key(1), 12
FIELDS = {"video": Field(video.MODALITY, (2, SIDE, SIDE, 1)), "input": Field(video.MODALITY, (3, SIDE, SIDE, 1))}


def a_batch(past=3, future=2):
    clips = jax.random.uniform(KEY, (2, past + future, SIDE, SIDE, 1), minval=-1, maxval=1)
    return {"input": clips[:, :past], "video": clips[:, past:], "index": jnp.arange(2), "step": jnp.int32(0)}


def test_frames_side_by_side_and_back():
    clips = np.random.default_rng(0).random((2, 3, 4, 5, 2), np.float32)
    pictures = side_by_side(clips)
    np.testing.assert_array_equal(pictures[..., 2:4], clips[:, 1])
    np.testing.assert_array_equal(one_by_one(pictures, 2), clips)


@pytest.mark.parametrize("alpha", [1, 2])
def test_gradient_difference(alpha):
    made, true = np.random.default_rng(0).normal(size=(2, 2, 4, 5, 3)).astype(np.float32)
    expected = np.zeros(2)
    for axis, places in ((1, 3 * 5 * 3), (2, 4 * 4 * 3)):
        steps = [np.abs(np.diff(x, axis=axis)) for x in (made, true)]
        expected += (np.abs(steps[0] - steps[1]) ** alpha).sum(axis=(1, 2, 3)) / places
    np.testing.assert_allclose(regularizers.gradient_difference(made, true, alpha), expected, rtol=1e-5)
    assert regularizers.gradient_difference(made[:, :1, :1], true[:, :1, :1]).tolist() == [0, 0]


def test_each_resolution_refines_the_one_below():
    network = multiscale.Translator((SIDE, SIDE, 2), width=2, scales=3, kernel=3)
    images = side_by_side(a_batch()["input"])
    variables = network.init(KEY, images)
    results = network.apply(variables, images, method="refine")
    assert [result.shape for result in results] == [(2, side, side, 2) for side in (12, 6, 3)]
    np.testing.assert_array_equal(network.apply(variables, images), results[0])
    for fine, coarse in itertools.pairwise(results):
        assert np.abs(fine - jax.image.resize(coarse, fine.shape, "linear")).max() < 1  # tanh
    odd = network.apply(variables, images[:, :11, :9], method="refine")
    assert [result.shape[1:3] for result in odd] == [(11, 9), (6, 5), (3, 3)]
    paper = jax.eval_shape(multiscale.Translator((32, 32, 3)).init, KEY, jnp.zeros((1, 32, 32, 12)))["params"]
    kernels = [paper[f"Conv_{number}"]["kernel"].shape for number in range(len(paper))]
    assert kernels[:4] == [(3, 3, 12, 128), (3, 3, 128, 256), (3, 3, 256, 128), (3, 3, 128, 3)]
    assert kernels[-6:-3] == [(7, 7, 15, 128), (5, 5, 128, 256), (5, 5, 256, 512)] and kernels[-1] == (7, 7, 128, 3)


def test_losses_are_those_of_the_paper():
    config = tiny_config(**{"terms.lp.p": 1, "terms.gradient_difference.weight": 0.3})
    game = make_game(config, FIELDS)
    variables, batch = jax.jit(game.init)(KEY), game.preprocess(a_batch(), KEY)
    past, true = batch["input"], batch["video"]
    assert past.shape == (2, SIDE, SIDE, 3) and true.shape == (2, SIDE, SIDE, 2)
    own = {name: value for name, value in config.networks.generator.items() if name not in ("name", "spectral")}
    made = multiscale.Translator(true.shape[1:], **own).apply(variables["generator"], past, method="refine")
    judge = patch.Discriminator(width=2, layers=1, padding="same", norm="none")
    d, g, log = [], [], lambda p: np.log(np.asarray(jax.nn.sigmoid(p), np.float64))
    for number, fake in enumerate(made):
        params = {"params": variables["discriminator"]["params"][str(number)]}
        on_real, on_fake = (judge.apply(params, jnp.concatenate([past, x], -1)).logits for x in (true, fake))
        d.append(-log(on_real).mean() - log(-on_fake).mean())
        steep = np.mean(regularizers.gradient_difference(fake, true))
        g.append(np.abs(fake - true).mean() + 0.3 * steep - 0.05 * log(on_fake).mean())
        past, true = pool(past), pool(true)
    values = {turn.name: float(turn.loss(variables, batch, KEY)[0]) for turn in game.turns}
    assert values == {"discriminator": pytest.approx(np.mean(d), 1e-5), "generator": pytest.approx(np.mean(g), 1e-5)}


def test_the_twin_that_squares_errors_has_no_discriminator():
    game = make_game(tiny_config(("lp",), **{"networks.generator": {"name": "unet", "width": 2, "depth": 2}}), FIELDS)
    variables = jax.jit(game.init)(KEY)
    assert set(variables) == {"generator"} and [turn.name for turn in game.turns] == ["generator"]
    batch = game.preprocess(a_batch(), KEY)
    value, (_, metrics) = game.turns[0].loss(variables, batch, KEY)  # a network of one resolution
    made = game.maps["predict"].apply(variables, KEY, jnp.arange(2), {"input": a_batch()["input"]})
    assert value == metrics["lp"] == pytest.approx(float(jnp.mean((made - a_batch()["video"]) ** 2)), 1e-5)


def test_more_frames_are_made_of_those_that_were_made():
    fields = {**FIELDS, "video": Field(video.MODALITY, (5, SIDE, SIDE, 1))}
    game = make_game(tiny_config(("lp",), predicts=2), fields)
    variables, clips = jax.jit(game.init)(KEY), a_batch(3, 5)
    assert game.preprocess(clips, KEY)["video"].shape[-1] == 2  # it learns from the next two
    network = multiscale.Translator((SIDE, SIDE, 2), width=2, scales=2, kernel=3)
    past, made = side_by_side(clips["input"]), []
    for _ in range(3):
        made.append(network.apply(variables["generator"], past))
        past = jnp.concatenate([past, made[-1]], axis=-1)[..., 2:]
    result = game.maps["predict"].apply(variables, KEY, jnp.arange(2), {"input": clips["input"]})
    np.testing.assert_allclose(result, one_by_one(jnp.concatenate(made, -1), 1)[:, :5], rtol=1e-5, atol=1e-6)


def test_crops_and_flips_are_those_of_a_whole_clip():
    game = make_game(tiny_config(("lp",), **{"data.crop": 8, "data.flip": True}), FIELDS)
    clip = jnp.broadcast_to(jax.random.uniform(KEY, (1, 1, SIDE, SIDE, 1)), (2, 5, SIDE, SIDE, 1))
    batch = game.preprocess({**a_batch(), "input": clip[:, :3], "video": clip[:, 3:]}, KEY)
    assert batch["video"].shape == (2, 8, 8, 2) and batch["input"].shape == (2, 8, 8, 3)
    np.testing.assert_array_equal(batch["input"][..., :1].repeat(2, -1), batch["video"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predicts": 3}, "--config.predicts=3: clips have 2 frames to be predicted"),
        ({"terms.lp.p": 3}, "config.terms.lp.p=3: must be between 1 and 2"),
        ({"terms": {}}, "the generator learns from nothing"),
        ({"data.crop": 20}, "--config.data.crop=20: must be at most the images' shorter side, 12"),
        ({"data.paired": False}, "--config.data.paired=false: this game learns from pairs"),
        ({"networks.generator": {"name": "multiscale", "scales": 5}}, "scales=5: must be between 1 and 4"),
    ],
)
def test_what_it_does_not_have_is_rejected(changes, message):
    with pytest.raises(UserError, match=message):
        build(tiny_config(**changes), FIELDS)


def test_pictures_are_no_clips():
    fields = {name: Field(image.MODALITY, (SIDE, SIDE, 1)) for name in ("image", "input")}
    with pytest.raises(UserError, match=r"this game predicts frames, and digits has image \(image\), input \(image\)"):
        build(tiny_config(**{"data.source": "digits"}), fields)


EVALUATED = {"evaluation.features": "auto", "evaluation.num": 6, "eval_kimg": 0.004, "data.resident_mb": 0}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """Four rounds, watched and measured."""
    place = tmp_path_factory.mktemp("frames") / "run"
    train(tiny_config(**EVALUATED), place, make_runner("jit"))
    return place


def test_it_is_watched_and_measured_on_other_digits(workdir):
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    (last,) = (line for line in lines if "evaluation/psnr" in line and line["step"] == 4)
    assert last["evaluation/psnr_copy_1"] > last["evaluation/psnr_copy_2"] and "evaluation/mse_1" in last
    assert Image.open(workdir / "samples" / "000004.png").width > 3 * SIDE
    assert load(workdir, "best").record["best"]["selected_by"] == "ssim"
    options = {"real": None, "num": 4, "seed": 0, "checkpoint": "last", "ema": True, "out": workdir / "report.json"}
    report = evaluate_run(workdir, metrics="auto", features="auto", **options)
    assert report.protocol["settings"]["frames"]["mse"] == "sum over pixels"
    assert report.protocol["real"]["source"].endswith("walls=bounce (held out)")


def test_stop_and_resume_is_bit_for_bit_the_whole_run(workdir, tmp_path):
    for kimg in (0.004, 0.008):
        train(tiny_config(total_kimg=kimg, **EVALUATED), tmp_path, make_runner("jit"))
    chex.assert_trees_all_equal(load(tmp_path).state, load(workdir).state)


def translated(workdir, given, out, **changes):
    options = {"direction": None, "image_size": "run", "halves": False, "animate": True, "seed": 0, "ema": True}
    translate_files(workdir, given, out, **{**options, "checkpoint": "last", **changes})


def test_files_and_folders_are_continued(workdir, tmp_path):
    """By the last frames, at their own size."""
    clip = frames(5, 24, 20, channels=1)
    save_frames(tmp_path / "in" / "deep" / "walk", clip)
    video.MODALITY.write(clip[None], tmp_path / "in" / "x.gif", FIELDS["video"])
    translated(workdir, tmp_path / "in", tmp_path / "out")
    translated(workdir, tmp_path / "in" / "deep" / "walk", tmp_path / "one")
    run = load(workdir)
    small = video.resize(clip[None, 2:], (SIDE, SIDE))
    wanted = video.resize(run.apply("predict", {"input": small}), (24, 20))[0]
    for place in (tmp_path / "out" / "deep" / "walk.gif", tmp_path / "one" / "walk.gif", tmp_path / "out" / "x.gif"):
        made = video.read(place, Field(video.MODALITY, (2, 24, 20, 1)))[0]
        assert np.abs(made.astype(int) - wanted).max() <= 16  # a GIF has few colors
    strip = Image.open(tmp_path / "out" / "side_by_side" / "deep" / "walk.png")
    assert strip.size == (5 * 20, 24)
    assert Image.open(tmp_path / "out" / "animated" / "x.gif.gif").size == (3 * 20, 24)


def test_a_clip_that_is_too_short(workdir, tmp_path):
    save_frames(tmp_path / "in" / "short", frames(2, channels=1))
    with pytest.raises(UserError, match=r"short has 2 frames, the next ones are made of 3; 0 files before it are"):
        translated(workdir, tmp_path / "in", tmp_path / "out")
    save_frames(tmp_path / "same" / "x", frames(3, channels=1))
    video.MODALITY.write(frames(3)[None], tmp_path / "same" / "x.gif", FIELDS["video"])
    with pytest.raises(UserError, match=r"same: two of them would be .*x\.gif: rename one"):
        translated(workdir, tmp_path / "same", tmp_path / "out")
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match=r"no files in it that can be translated, \.gif, \.webp, \.mp4"):
        translated(workdir, tmp_path / "none", tmp_path / "out")


def test_moving_digits_are_clips_of_the_game():
    source = data.open_source(tiny_config().data)
    assert data.fields_of(tiny_config().data, source) == source.fields
