"""A segmenter: its measures against loops, what it learns, its file, and the mode that makes it."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.config import config_for
from gan_jax.data.source import Source
from gan_jax.errors import UserError
from gan_jax.evaluation import segmenter
from gan_jax.evaluation.features import Features, open_features
from gan_jax.evaluation.metrics import EvalInputs, Model, miou
from gan_jax.game import Map
from gan_jax.modalities import Field, lookup

SIDE = 16
COLORS = np.array([[220, 0, 0], [0, 200, 0], [0, 0, 220]], np.uint8)
NAMES = ("red", "green", "void")


def pairs(n, seed=0):
    """Noisy photographs, (of another light each), and maps of squares; where they are void, anything is seen."""
    rng = np.random.default_rng(seed)
    maps = rng.choice(3, (n, 4, 4), p=(0.45, 0.45, 0.1)).repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)
    seen = np.where(maps == 2, rng.integers(0, 2, maps.shape), maps)
    photos = COLORS[seen] * rng.uniform(0.5, 1, (n, 1, 1, 1)) + rng.integers(0, 30, (n, SIDE, SIDE, 3))
    return photos.astype(np.uint8), maps


def set_of(n, seed=0):
    photos, maps = pairs(n, seed)
    kinds = Field(lookup("image"), (SIDE, SIDE, 3)), Field(lookup("segmentation"), (SIDE, SIDE), NAMES, {})
    return Source(dict(zip(("image", "input"), kinds, strict=True)), {"image": photos, "input": maps})


def measured(found, source):
    return segmenter.measure(found, source, "image", source, "input")


def test_a_score_is_that_of_loops():
    rng = np.random.default_rng(0)
    found, wanted = rng.integers(0, 3, (4, 5, 6)), rng.integers(0, 5, (4, 5, 6))
    names = ("a", "b", "c", "void", "e")
    found, wanted = found[:, :3], wanted[:, :3]
    right = total = 0
    both, either = dict.fromkeys(range(5), 0), dict.fromkeys(range(5), 0)
    for f, w in zip(found.ravel(), wanted.ravel(), strict=True):
        if names[w] == "void":
            continue
        total, right = total + 1, right + (f == w)
        for number in range(5):
            both[number] += f == w == number
            either[number] += number in (f, w)
    score = segmenter.score(segmenter.confusion(found, wanted, names))
    assert score.accuracy == pytest.approx(right / total)
    assert np.isnan(score.iou[3]) and either[3] == 0
    expected = [both[number] / either[number] for number in (0, 1, 2, 4)]
    np.testing.assert_allclose(score.iou[[0, 1, 2, 4]], expected)
    assert score.mean_iou == pytest.approx(np.mean(expected))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A segmenter that was trained on files, by the mode's own function: (its file, what it was trained on)."""
    place = tmp_path_factory.mktemp("segmenter")
    for name, n in (("train", 24), ("test", 6)):
        (place / name).mkdir()
        for number, (photo, drawn) in enumerate(zip(*pairs(n, seed=n), strict=True)):
            both = np.concatenate([photo, COLORS[drawn]], axis=1)
            Image.fromarray(both).save(place / name / f"{number}.png")
    palette = dict(zip(NAMES, COLORS.tolist(), strict=True))
    (place / "palette.json").write_text(str(palette).replace("'", '"'))
    config = config_for("pix2pix").data
    config.update(source=f"folder:{place}/train", pair="left_right", palette=f"{place}/palette.json")
    segmenter.train_to_file(config, place / "s.npz", test=f"folder:{place}/test", images=480, seed=0)
    return place / "s.npz", config


def test_it_learns_what_a_glance_tells(trained, capsys):
    found = segmenter.load(trained[0])
    assert found.names == NAMES and found.image_shape == (SIDE, SIDE, 3) and found.about["accuracy"] > 0.95
    assert found.about["palette"] == COLORS.tolist()
    score = measured(found, set_of(20))
    assert score.mean_iou > 0.9 and np.isnan(score.iou[2])
    wrong = set_of(20)
    wrong.columns["input"][:] = 1 - np.minimum(wrong.columns["input"], 1)
    assert measured(found, wrong).accuracy < 0.3


def test_images_are_measured_by_it(trained):
    """Images of maps beside real ones; features of a network beside those."""
    source = set_of(20)
    features = open_features(f"segmenter:{trained[0]}", source.fields["image"])
    stored = source.read(np.arange(20), ("image",))["image"]
    seen, logits = features.apply(features.params, stored)
    assert seen.shape == (20, 128) and logits is None
    np.testing.assert_allclose(features.apply(features.params, stored.astype(np.float32))[0], seen, rtol=1e-5)
    model = Model(None, Map(("input",), "image", None), {})
    fake = set_of(20)
    fake.columns["image"][:10] = fake.columns["image"][10:]  # half of them are of other maps
    inputs = EvalInputs(source, fake, features, model=model)
    assert miou.METRIC.why_not(inputs) == ""
    results = miou.compute(inputs)
    assert results["miou_real"] == measured(segmenter.load(trained[0]), source).mean_iou > 0.9
    assert 0.6 < results["pixel_accuracy"] < 0.85 and results["miou"] < results["miou_real"]


@pytest.mark.parametrize("changes, why", [
    ({"features": Features("pixels", None, None, 1)}, "it needs a segmenter"),
    ({"model": None}, "it needs a run that makes images of label maps"),
    ({"names": ("a", "b", "c")}, "the segmenter knows other classes: red, green, void"),
])  # fmt: skip
def test_what_cannot_be_measured(trained, changes, why):
    source = set_of(2)
    if "names" in changes:
        source.fields["input"] = source.fields["input"]._replace(names=changes.pop("names"))
    features = open_features(f"segmenter:{trained[0]}", source.fields["image"])
    inputs = EvalInputs(source, source, features, model=Model(None, Map(("input",), "image", None), {}))
    assert why in miou.METRIC.why_not(inputs._replace(**changes))


@pytest.mark.parametrize("path, shape, message", [
    ("", (SIDE, SIDE, 3), "a segmenter is a file of --mode=train_segmenter"),
    ("FILE", (8, 8, 3), "the segmenter takes images 16x16x3, not 8x8x3"),
])  # fmt: skip
def test_features_that_do_not_fit(trained, path, shape, message):
    with pytest.raises(UserError, match=message):
        open_features(f"segmenter:{path and trained[0]}", Field(lookup("image"), shape))


def test_void_is_never_found(trained):
    found = segmenter.load(trained[0])
    images = np.random.default_rng(0).uniform(-1, 1, (2, 24, 40, 3)).astype(np.float32)
    classes = np.asarray(segmenter.segment(found, images))
    assert classes.shape == (2, 24, 40) and set(np.unique(classes)) <= {0, 1}


def test_a_part_of_a_batch_counts_once(trained):
    found, source = segmenter.load(trained[0]), set_of(segmenter.CHUNK + 3)
    parts = [source.select(np.arange(segmenter.CHUNK)), source.select(np.arange(segmenter.CHUNK, len(source)))]
    accuracy = [measured(found, part).accuracy for part in (source, *parts)]
    weights = [(each.read(np.arange(len(each)), ("input",))["input"] != 2).sum() for each in parts]
    assert accuracy[0] == pytest.approx(np.average(accuracy[1:], weights=weights))


def test_rare_classes_count_more():
    """By the root of their share; void, whatever its share, and a class that is nowhere do not count."""
    maps = np.zeros((segmenter.CHUNK + 4, 1, 20), np.uint8)
    maps[..., :1], maps[:4, :, 1:] = 1, 2
    field = Field(lookup("segmentation"), (1, 20), ("a", "b", "void", "none"), {})
    weights = segmenter.class_weights(Source({"input": field}, {"input": maps}), "input")
    shares = np.array([segmenter.CHUNK * 19, segmenter.CHUNK + 4]) / maps.size
    np.testing.assert_allclose(weights, [*1 / np.sqrt(shares), 0, 0], rtol=1e-5)


def test_maps_alone(trained, tmp_path):
    config = trained[1].copy_and_resolve_references().unlock()
    for number, drawn in enumerate(pairs(2)[1]):
        Image.fromarray(COLORS[drawn]).save(tmp_path / f"{number}.png")
    config.update(source=f"folder:{tmp_path}", pair="none")
    with pytest.raises(UserError, match=r"a segmenter needs photographs and their label maps: set --config.data.pair"):
        segmenter.train_to_file(config, tmp_path / "s.npz", test=None, images=8, seed=0)
    assert not (tmp_path / "s.npz").exists()


def test_another_file_is_no_segmenter(tmp_path):
    np.savez(tmp_path / "x.npz", about="{}")
    with pytest.raises(UserError, match=r"x.npz is not a segmenter that --mode=train_segmenter has written"):
        segmenter.load(tmp_path / "x.npz")
    with pytest.raises(UserError, match="make one with --mode=train_segmenter"):
        segmenter.load(tmp_path / "y.npz")


def test_the_mode_finds_the_palette_and_holds_out_a_tenth(run_mode, trained, tmp_path, capsys):
    flags = [f"--config.data.{name}={trained[1][name]}" for name in ("source", "pair")]
    with pytest.raises(UserError, match=r"--mode=train_segmenter needs --out=FILE.npz"):
        run_mode("--mode=train_segmenter", *flags)
    run_mode("--mode=train_segmenter", *flags, "--kimg=0.008", f"--out={tmp_path}/s.npz")
    printed, found = capsys.readouterr().out, segmenter.load(tmp_path / "s.npz")
    assert "mean IoU" in printed and "of 2 pictures of a tenth held out" in printed
    assert found.about["images"] == 8 and len(found.names) == 3 and found.names[0].startswith("#")
