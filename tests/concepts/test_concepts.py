"""Where concepts are: parts of drawn and of real digits, and what trained networks tell."""

import jax
import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.morphology import skeletonize

from gan_jax.concepts import open_concepts
from gan_jax.concepts.digits import parts, thinned
from gan_jax.data.sources.digits import digits
from gan_jax.errors import UserError
from gan_jax.evaluation import classifier
from gan_jax.modalities import Field, lookup

DIGIT, COLOR = Field(lookup("image"), (28, 28, 1)), Field(lookup("image"), (28, 28, 3))


def drawn(draw, side=40):
    picture = Image.new("L", (side, side))
    draw(ImageDraw.Draw(picture))
    return np.asarray(picture)[..., None]


def regions(mask):
    return ndimage.label(mask, np.ones((3, 3)))[1]


@pytest.mark.parametrize(
    ("draw", "holes", "ends", "junctions"),
    [
        (lambda d: d.line([(20, 5), (20, 35)], 255, 4), 0, 2, 0),
        (lambda d: d.ellipse((8, 8, 32, 32), outline=255, width=3), 1, 0, 0),
        (lambda d: (d.line([(5, 10), (35, 10)], 255, 3), d.line([(20, 10), (20, 35)], 255, 3)), 0, 3, 1),
        (lambda d: None, 0, 0, 0),
    ],
    ids=["bar", "ring", "T", "nothing"],
)  # fmt: skip
def test_parts_of_drawings(draw, holes, ends, junctions):
    picture = drawn(draw)
    ink, hole, end, junction = np.moveaxis(parts(picture), -1, 0)
    np.testing.assert_array_equal(ink, picture[..., 0] >= 128)
    assert (regions(hole), regions(end), regions(junction)) == (holes, ends, junctions)
    assert not (hole & ink).any()


def test_an_end_is_where_the_bar_ends():
    end = parts(drawn(lambda d: d.line([(20, 5), (20, 35)], 255, 4)))[..., 2]
    rows = np.flatnonzero(end.any(axis=1))
    assert rows.min() <= 8 and rows.max() >= 32 and not end[12:28].any()


def test_skeletons_are_those_of_scikit_image():
    """But for a few pixels: of that algorithm there are variants."""
    for picture in digits().read(np.arange(30), ("image",))["image"]:
        ink = picture[..., 0] >= 128
        own, other = thinned(ink), skeletonize(ink)
        assert not (own & ~ink).any() and regions(own) == regions(ink)
        near = ndimage.binary_dilation(other, np.ones((3, 3)))
        assert (own & near).sum() >= 0.95 * own.sum() and abs(int(own.sum()) - int(other.sum())) <= 0.2 * own.sum() + 2


def test_digits_by_their_name():
    told = open_concepts("digits", DIGIT)
    assert told.names == ("ink", "hole", "end", "junction") and told.score is None
    pictures = digits().read(np.arange(3), ("image",))["image"]
    np.testing.assert_allclose(told.amount(pictures, DIGIT)[:, 0], (pictures[..., 0] >= 128).mean(axis=(1, 2)))
    with pytest.raises(UserError, match="--concepts=digits: they are of gray pictures"):
        open_concepts("digits", COLOR)
    with pytest.raises(UserError, match="--concepts='digit': there is no module digit"):
        open_concepts("digit", DIGIT)


def test_a_classifier_knows_how_much_but_not_where():
    told = open_concepts("classifier", DIGIT)
    assert told.names == tuple("0123456789") and told.masks is None
    pictures = digits().read(np.arange(5), ("image",))["image"]
    own = classifier.load()
    expected = jax.nn.softmax(classifier.features(own, pictures)[1])
    np.testing.assert_allclose(told.amount(pictures, DIGIT), expected, atol=1e-5)
