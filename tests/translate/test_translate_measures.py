"""Games that translate, measured."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny import changed
from translating import SIDE, opened, sampled

from gan_jax import data
from gan_jax.errors import UserError
from gan_jax.evaluate import evaluate_run, is_monitored, main_map, make_fakes, open_real
from gan_jax.run import load


def measured(workdir, **changes):
    options = {"real": None, "num": 100, "seed": 0, "metrics": "pairs", "features": "pixels", "checkpoint": "last"}
    return evaluate_run(workdir, **{**options, "ema": True, "out": None, **changes})


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
    assert len(seen) == 2 and load(halves).record["best"]["ssim"] == max(seen)
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
    run = load(superres)
    game_map = main_map(run.experiment)
    source, _ = open_real(run.config, run.experiment, game_map, None, "", 100, 0)
    fakes, _ = make_fakes(run.experiment, game_map, source, 100, 0)
    examples = fakes(run.variables()).read(np.arange(4))
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
    config = load(two).config
    config.evaluation.features = "auto"
    assert not is_monitored(config, load(two).experiment, data.open_source(config.data))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluation.source": "folder:nowhere"}, "config.evaluation.source: no such folder"),
        ({"evaluation.source": "ring"}, "only pictures of folder: or zip: have halves, not ring"),
        ({"data.image_size": "8"}, r"has examples \[8, 8, 3\] \(image\), the run makes \[16, 16, 3\] \(image\)"),
    ],
)
def test_sources_that_cannot_be_measured_on(halves, changes, message):
    run = load(halves)
    config = changed(run.config, changes)
    with pytest.raises(UserError, match=message) as caught:
        open_real(config, run.experiment, main_map(run.experiment), None, "", 100, 0)
    assert len(str(caught.value).splitlines()) == 1


def test_two_folders_have_no_other_source(two, place):
    with pytest.raises(UserError, match=r"are set aside by --config\.data\.held_out instead"):
        measured(two, real=f"folder:{place / 'two' / 'b'}")


def test_auto_means_the_same_while_training_and_afterwards(halves):
    lines = [json.loads(line) for line in (halves / "metrics.jsonl").read_text().splitlines()]
    last = [line for line in lines if "evaluation/ssim" in line][-1]
    report = measured(halves, features="auto", metrics="auto")
    assert report.protocol["features"] == "pixels as they are" and "; pixels as they are; " in last["protocol"]
    for name, value in report.results.items():
        assert value == pytest.approx(last[f"evaluation/{name}"], rel=1e-5)
