"""What is measured of an example: shapes with known measures, and a classifier's own numbers."""

import jax
import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.special import log_softmax, softmax

from gan_jax.attributes import open_attributes
from gan_jax.attributes.digits import measured
from gan_jax.data.sources.digits import digits
from gan_jax.errors import UserError
from gan_jax.evaluation import classifier
from gan_jax.modalities import Field, lookup

DIGIT = Field(lookup("image"), (28, 28, 1))


def drawn(draw, side=100):
    picture = Image.new("L", (side, side))
    draw(ImageDraw.Draw(picture))
    return np.asarray(picture)[..., None]


def test_a_leaning_bar():
    bar = drawn(lambda d: d.polygon([(30, 90), (49, 90), (69, 10), (50, 10)], fill=255))
    slant, thickness, width, height, holes = measured(bar)
    np.testing.assert_allclose([slant, width, height], [20 / 80, 20, 81], rtol=0.05)
    np.testing.assert_allclose(thickness, 20, rtol=0.15)  # its ends are edges too
    assert holes == 0
    mirrored = measured(bar[:, ::-1])
    np.testing.assert_allclose(mirrored, [-slant, thickness, width, height, 0], rtol=1e-6)


@pytest.mark.parametrize("lightest", [0, 100, 130])
def test_a_picture_without_ink(lightest):
    """One gray pixel is none, even if it is a little lighter than ink."""
    picture = np.zeros((28, 28, 1), np.uint8)
    picture[10, 10] = lightest
    np.testing.assert_array_equal(measured(picture), np.zeros(5))


@pytest.mark.parametrize("stroke", [4, 8])
def test_rings(stroke):
    def two(d):
        d.ellipse((30, 5, 70, 45), outline=255, width=stroke)
        d.ellipse((30, 45, 70, 85), outline=255, width=stroke)

    _, thickness, _, _, holes = measured(drawn(two))
    np.testing.assert_allclose(thickness, stroke, rtol=0.15)
    assert holes == 2


def test_no_ink():
    assert measured(np.full((28, 28, 1), 20, np.uint8)).tolist() == [0] * 5


def test_real_digits():
    """Zeros have a hole, ones are narrow, and a digit that is sheared leans as much."""
    source = digits()
    pictures, labels = source.read(np.arange(200), ("image",))["image"], source.labels[:200]
    found = open_attributes("digits", DIGIT).measure(pictures)
    assert found.shape == (200, 5)
    means = np.stack([found[labels == label].mean(axis=0) for label in range(10)])
    assert means[0, 4] > 0.7 > 0.1 > means[1, 4] and means[:, 2].argmin() == 1
    sheared = [
        Image.fromarray(each[..., 0]).transform(
            (28, 28), Image.Transform.AFFINE, (1, 0.3, -4, 0, 1, 0), Image.Resampling.BILINEAR
        )
        for each in pictures[:20]
    ]
    leaning = np.stack([measured(np.asarray(each)[..., None]) for each in sheared])
    np.testing.assert_allclose(leaning[:, 0], found[:20, 0] + 0.3, atol=0.08)


def test_log_odds_of_classes():
    pictures = digits().read(np.arange(20), ("image",))["image"]
    found = open_attributes("classifier", DIGIT)
    logits = np.asarray(classifier.features(classifier.load(), pictures)[1], np.float64)
    log_p = log_softmax(logits, axis=1)
    assert found.names == tuple("0123456789")
    np.testing.assert_allclose(found.measure(pictures), log_p - np.log1p(-np.exp(log_p)), rtol=1e-3, atol=1e-3)
    ordered = open_attributes("ordered,digits", DIGIT)
    assert ordered.names[:2] == ("digit", "slant")
    np.testing.assert_allclose(ordered.measure(pictures)[:, 0], softmax(logits, axis=1) @ np.arange(10), rtol=1e-4)


def test_two_classes_are_one_attribute(tmp_path):
    params = classifier.Network(2).init(jax.random.key(0), np.zeros((1, 28, 28, 1)))
    classifier.save(tmp_path / "sex.npz", params, (28, 28, 1), 2, {"classes": ["man", "woman"]})
    found = open_attributes(f"classifier:{tmp_path / 'sex.npz'}", DIGIT)
    pictures = digits().read(np.arange(5), ("image",))["image"]
    logits = np.asarray(classifier.features(classifier.load(tmp_path / "sex.npz"), pictures)[1])
    assert found.names == ("woman",)
    np.testing.assert_allclose(found.measure(pictures)[:, 0], logits[:, 1] - logits[:, 0], rtol=1e-3, atol=1e-5)


def test_mistakes():
    with pytest.raises(UserError, match="--attributes='slant': there is no module slant"):
        open_attributes("slant", DIGIT)
    with pytest.raises(UserError, match="two of them are named slant"):
        open_attributes("digits,digits", DIGIT)
    with pytest.raises(UserError, match="they are of gray pictures"):
        open_attributes("digits", DIGIT._replace(shape=(28, 28, 3)))
    with pytest.raises(UserError, match=r"--attributes=classifier:none.npz: there is no classifier none.npz"):
        open_attributes("classifier:none.npz", DIGIT)
