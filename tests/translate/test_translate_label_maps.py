"""Photographs made of label maps: a run whose inputs are classes, on the files that people draw."""

import jax
import numpy as np
import pytest
from PIL import Image
from translating import SIDE, config_for, opened, sampled, save_all

from gan_jax.errors import UserError
from gan_jax.evaluate import evaluate_run
from gan_jax.evaluation import segmenter
from gan_jax.loop import train
from gan_jax.run import load
from gan_jax.runners import make_runner
from gan_jax.translate import translate_files

COLORS = np.array([[0, 0, 220], [0, 200, 0], [220, 0, 0]], np.uint8)


def classes(seed, height=SIDE, width=SIDE):
    """Three classes, in squares of four pixels."""
    return np.random.default_rng(seed).integers(0, 3, (height // 4, width // 4)).repeat(4, axis=0).repeat(4, axis=1)


def pair_of(seed):
    """A noisy photograph on the left, its map on the right."""
    drawn = COLORS[classes(seed)]
    noise = np.random.default_rng(seed).integers(0, 120, drawn.shape)
    return Image.fromarray(np.concatenate([np.uint8(drawn // 2 + noise), drawn], axis=1))


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    changes = {"data.source": save_all(place / "train", 6, pair_of), "data.pair": "right_left", "data.palette": "found"}
    changes |= {"data.jitter": SIDE + 2, "evaluation.source": save_all(place / "val", 3, pair_of, first=50)}
    train(config_for("pix2pix", **changes), place / "run", make_runner("jit"))
    return place / "run"


def used(workdir, given, out, **changes):
    options = {"direction": None, "image_size": "run", "halves": False, "animate": False, "seed": 0, "ema": True}
    translate_files(workdir, given, out, **{**options, "checkpoint": "last", **changes})


def test_the_network_is_given_a_channel_for_each_class(workdir):
    run = load(workdir)
    field = run.experiment.fields["input"]
    assert field.modality.name == "segmentation" and field.shape == (SIDE, SIDE) and len(field.names) == 3
    first = jax.tree.leaves(run.variables(False)["discriminator"]["params"])
    assert any(leaf.ndim == 4 and leaf.shape[2] == 3 + 3 for leaf in first)  # beside those of the photograph


@pytest.mark.parametrize("height, width", [(SIDE, SIDE), (24, 40)])
def test_a_drawing_becomes_a_photograph_of_its_size(workdir, tmp_path, height, width):
    drawn = COLORS[classes(7, height, width)]
    Image.fromarray(drawn).save(tmp_path / "plan.png")
    used(workdir, tmp_path / "plan.png", tmp_path / "out")
    made = opened(tmp_path / "out" / "plan.png")
    assert made.shape == (height, width, 3)
    np.testing.assert_array_equal(opened(tmp_path / "out" / "side_by_side" / "plan.png")[:, :width], drawn)
    if (height, width) == (SIDE, SIDE):
        field = load(workdir).experiment.fields["input"]
        order = [field.fitted["palette"].index(color.tolist()) for color in COLORS]  # the most frequent first
        np.testing.assert_array_equal(made, sampled(workdir, np.uint8(order)[classes(7)])[0])


def test_the_half_that_is_the_map(workdir, tmp_path):
    pair_of(8).save(tmp_path / "pair.png")
    used(workdir, tmp_path / "pair.png", tmp_path / "out", halves=True)
    both = opened(tmp_path / "out" / "side_by_side" / "pair.png")
    np.testing.assert_array_equal(both[:, :SIDE], COLORS[classes(8)])


def test_a_photograph_is_no_drawing(workdir, tmp_path):
    Image.new("RGB", (SIDE, SIDE), (255, 255, 255)).save(tmp_path / "x.png")
    with pytest.raises(UserError, match=r"x.png is no label map: 100% of it has colors of no class, such as #ffffff"):
        used(workdir, tmp_path / "x.png", tmp_path / "out")


def measured(workdir, **how):
    options = {"real": None, "num": 100, "seed": 0, "checkpoint": "last"}
    return evaluate_run(workdir, **options, ema=True, out=None, **how).results


def test_it_is_measured_on_other_maps(workdir):
    """Against photographs alone: maps are not compared with them."""
    assert set(measured(workdir, metrics="pairs", features="pixels")) == {"l1", "psnr", "ssim"}


def test_a_segmenter_judges_it(workdir, tmp_path):
    config = load(workdir).config
    segmenter.train_to_file(config.data, tmp_path / "s.npz", test=config.evaluation.source, images=8, seed=0)
    results = measured(workdir, metrics="miou", features=f"segmenter:{tmp_path}/s.npz")
    about = segmenter.load(tmp_path / "s.npz").about  # of the same three photographs
    assert results["miou_real"] == pytest.approx(about["mean_iou"], abs=0.01)
    assert results["pixel_accuracy_real"] == pytest.approx(about["accuracy"], abs=0.01)
    assert results["miou"] != results["miou_real"]
