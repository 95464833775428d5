"""A matcher: its measures against loops, what it learns, its file, the mode, and metrics by it."""

import jax
import numpy as np
import pytest

from gan_jax.data import captions, make_source
from gan_jax.data.source import Source
from gan_jax.errors import UserError
from gan_jax.evaluation import matcher
from gan_jax.evaluation.features import open_features
from gan_jax.evaluation.metrics import EvalInputs, Model, r_precision, words
from gan_jax.game import Map
from gan_jax.modalities import Field, lookup

COLORS, SIDE = ("red", "green", "blue"), 8
SHARE = np.eye(3)


def squares(n=400, seed=0, knows=True):
    """A square of one color on another one, at one of nine places; captions in two orders."""
    rng = np.random.default_rng(seed)
    ink, place = rng.integers(3, size=n), rng.integers(9, size=n)
    ground = (ink + 1 + rng.integers(2, size=n)) % 3
    images = np.broadcast_to(SHARE[ground][:, None, None], (n, SIDE, SIDE, 3)).copy()
    for row, (y, x) in enumerate(zip(place // 3 * 2, place % 3 * 2, strict=True)):
        images[row, y : y + 4, x : x + 4] = SHARE[ink[row]]
    images = (images * 200 + rng.integers(0, 50, images.shape)).astype(np.uint8)
    texts = [
        [f"{COLORS[a]} {p} on {COLORS[b]}", f"on {COLORS[b]} {COLORS[a]} {p}"][: 1 + p % 2]
        for a, b, p in zip(ink, ground, place, strict=True)
    ]
    source = make_source("image", images)
    if knows:
        said = {"ink": np.where(place == 0, -1, ink), "ground": ground}
        fields = {name: Field(lookup("label"), (), COLORS) for name in said}
        source = Source({**source.fields, **fields}, {**source.columns, **said})
    return captions.beside(source, texts)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A matcher of squares."""
    source, path = squares(), tmp_path_factory.mktemp("matcher") / "m.npz"
    params = matcher.train(source, images=6_400, batch_size=64)
    about = {
        "image_shape": (SIDE, SIDE, 3),
        "words": source.fields["caption"].names,
        "classes": matcher.told_of(source),
    }
    matcher.trained.save(path, params, about)
    return path


def seen_by(own, source):
    images = source.read(np.arange(len(source)), ("image",))["image"]
    return np.asarray(matcher.features(own, own.params, images))


def test_it_learns_what_captions_say(file, monkeypatch):
    monkeypatch.setattr(matcher, "AMONG", 30)
    own, tests = matcher.load(file), squares(seed=1)
    said = {name: tests.columns[name] for name in own.classes}
    found = seen_by(own, tests)
    right = matcher.words_right(own, found, said)
    assert right.keys() == {"ink", "ground"} and min(right.values()) > 0.98
    stored = captions.renumbered(tests.columns["caption"], tests.fields["caption"].names, own.words)
    assert matcher.r_precision(own, found, stored) > 0.9
    chance = [matcher.r_precision(own, np.roll(found, shift, axis=0), stored) for shift in (1, 7, 50, 111)]
    assert 0 < np.mean(chance) < 0.12  # 1 / 30, more as others are as red
    swapped = {"ink": said["ground"], "ground": said["ground"]}
    assert matcher.words_right(own, found, swapped)["ink"] < 0.05  # the order of words counts
    monkeypatch.setattr(matcher, "AMONG", 100)
    with pytest.raises(UserError, match="needs 100 different captions"):
        matcher.r_precision(own, found, stored)


def test_features_are_scaled_and_nothing_else(file):
    own, source = matcher.load(file), squares(seed=1)
    scaled = matcher.with_unit_features(own.params, source)
    found = seen_by(own, source), seen_by(own._replace(params=scaled), source)
    assert np.mean(found[1] ** 2) == pytest.approx(1, rel=1e-3)
    for method in ("tell", "embed"):
        before, after = (
            own.call(params, x, method=method) for params, x in zip((own.params, scaled), found, strict=True)
        )
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), before, after)


def test_r_precision_is_that_of_a_loop(file, monkeypatch):
    monkeypatch.setattr(matcher, "AMONG", 5)
    own, tests = matcher.load(file), squares(40, seed=2)
    stored = captions.renumbered(tests.columns["caption"], tests.fields["caption"].names, own.words)
    found = np.random.default_rng(0).permutation(seen_by(own, tests))
    image = np.asarray(own.call(own.params, found, method="embed"))
    read = np.asarray(own.call(own.params, stored.reshape(80, -1), method="read")).reshape(40, 2, -1)
    rng, right = np.random.default_rng(3), 0
    for i in range(40):
        others = [j for j in range(40) if not np.array_equal(stored[j], stored[i])]
        chosen = rng.permutation(others)[:4]
        best = [max(image[i] @ read[j, k] for k in (0, 1) if stored[j, k].any()) for j in (i, *chosen)]
        right += max(best) == best[0]
    assert matcher.r_precision(own, found, stored, seed=3) == right / 40


def test_metrics_of_images_of_captions(file, monkeypatch):
    monkeypatch.setattr(matcher, "AMONG", 30)
    real, field = squares(120, seed=4), squares(1).fields["image"]
    features = open_features(f"matcher:{file}", field)
    rows = np.arange(120)
    wrong = np.where(rows < 60, rows, (rows + 1) % 120)  # half of the images are those of others
    fake = real.select(wrong)
    model = Model(None, Map(("caption",), "image", None), {})
    stats = [type("Stats", (), {"features": seen_by(features.matcher, each)})() for each in (fake, real)]
    inputs = EvalInputs(real, fake, features, 0, model, stats[1], stats[0])
    found = words.METRIC.compute(inputs)
    assert found["words_real"] > 0.98 and found["words_real"] - 0.5 < found["words"] < 0.85
    assert found["words"] == pytest.approx((found["ink_right"] + found["ground_right"]) / 2)
    assert {"ink_right_real", "ground_right_real"} < found.keys()
    found = r_precision.METRIC.compute(inputs)
    assert found["r_precision_real"] > 0.9 and 0.4 < found["r_precision"] < 0.65
    assert words.METRIC.why_not(inputs) == r_precision.METRIC.why_not(inputs) == ""
    of_noise = inputs._replace(model=Model(None, Map((), "image", None), {}))
    assert "makes images of captions" in words.METRIC.why_not(of_noise)
    assert "makes images of captions" in r_precision.METRIC.why_not(of_noise)
    unknown = inputs._replace(real=squares(120, knows=False))
    assert "do not say what the matcher tells: ink, ground" in words.METRIC.why_not(unknown)
    pixels = inputs._replace(features=open_features("pixels", field))
    assert "needs a matcher" in words.METRIC.why_not(pixels) and "needs a matcher" in r_precision.METRIC.why_not(pixels)


def test_the_one_that_comes_with_the_library():
    own = matcher.load()
    assert own.image_shape == (32, 32, 3) and own.about["trained_on"] == "captioned_digits:all"
    assert own.about["r_precision"] > 0.8 and min(own.about["right"].values()) > 0.9
    larger = squares(1).fields["image"]._replace(shape=(64, 64, 3))
    assert "clean resize to 32x32" in open_features("matcher", larger).name
    with pytest.raises(UserError, match="takes images of 3 channels, not 1"):
        open_features("matcher", larger._replace(shape=(32, 32, 1)))


def test_what_it_cannot_learn_of(tmp_path):
    with pytest.raises(UserError, match="needs images with captions"):
        matcher.train(make_source("image", np.zeros((4, 8, 8, 3), np.uint8)), images=10)
    with pytest.raises(UserError, match="make one with --mode=train_matcher"):
        matcher.load(tmp_path / "m.npz")
