"""Points as networks, people and files have them."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.files import MARK
from gan_jax.modalities import Field, lookup

KIND = lookup("points")
FIELD = Field(KIND, (2,))
POINTS = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)


def test_networks_have_them_as_they_are():
    assert KIND.to_model(POINTS, FIELD) is POINTS
    np.testing.assert_array_equal(KIND.from_model(POINTS, FIELD), POINTS)
    assert (KIND.features, KIND.watched(FIELD), KIND.shown) == ("points", 2000, None)


def test_two_distributions_over_what_the_critic_says():
    real, fake = np.random.default_rng(0).normal(size=(2, 50, 2))
    picture = KIND.sheet(fake, FIELD, labels=None, real=real, critic=lambda points: points[:, 0], title="round 3")
    plain = KIND.sheet(fake, FIELD)
    assert picture.shape == plain.shape == (600, 600, 3) and picture.dtype == np.uint8
    left, right = picture[300, 100].astype(int), picture[300, 540].astype(int)
    assert left[1] < left[0] and right[1] > right[0]  # purple where D says generated, green where it says real


def test_a_thumbnail_shows_where_a_point_lies():
    pictures = KIND.thumbnails(np.array([[1, 1], [-1, 1], [0, -1], [0, 0]], np.float32), FIELD)
    assert pictures.shape == (4, 56, 56, 1) and pictures.dtype == np.uint8
    places = [np.argwhere(picture[..., 0] == 255).mean(axis=0) - 27.5 for picture in pictures]
    for (down, right), (x, y) in zip(places, [(1, 1), (-1, 1), (0, -1), (0, 0)], strict=True):
        assert (right, -down) == pytest.approx((x * 27.5 / 1.3, y * 27.5 / 1.3), abs=1)


@pytest.mark.parametrize("labels", [None, np.arange(50) % 3])
def test_files(tmp_path, labels):
    KIND.write(POINTS, tmp_path / "a.npz", FIELD, labels)
    arrays = dict(np.load(tmp_path / "a.npz"))
    np.testing.assert_array_equal(arrays["points"], POINTS)
    assert set(arrays) - {MARK} == ({"points"} if labels is None else {"points", "labels"})
    assert labels is None or arrays["labels"].tolist() == labels.tolist()
    KIND.write(POINTS, tmp_path / "a.png", FIELD, labels)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), KIND.sheet(POINTS, FIELD))
