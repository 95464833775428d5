"""Pictures as networks, people and files have them."""

import numpy as np
import pytest
from PIL import Image

from gan_jax import images
from gan_jax.data import KEYS, open_source
from gan_jax.errors import UserError
from gan_jax.modalities import Field, lookup

KIND = lookup("image")
FIELD = Field(KIND, (8, 6, 1))


def stored(n, shape=(8, 6, 1)):
    return np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)


def test_networks_have_them_between_minus_one_and_one():
    examples = stored(5)
    inside = KIND.to_model(examples, FIELD)
    np.testing.assert_array_equal(inside, images.to_float(examples))
    np.testing.assert_array_equal(KIND.from_model(inside, FIELD), examples)
    assert KIND.from_model(np.array([-7.0, 0.0, 7.0]), FIELD).tolist() == [0, 128, 255]
    assert KIND.thumbnails(examples, FIELD) is examples


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        (None, None),
        (np.arange(12) % 3, 3),
        (np.arange(32) % 16, 16),
        (np.arange(34) % 17, None),
        (np.full(12, 2), None),  # all of one class
        (np.zeros(12, int), None),
        (np.arange(12)[::-1] % 3, None),
    ],
)
def test_classes_in_turn_are_columns(labels, columns):
    examples = stored(12 if labels is None else len(labels))
    np.testing.assert_array_equal(KIND.sheet(examples, FIELD, labels=labels), images.grid(examples, columns))


@pytest.mark.parametrize(("shape", "n"), [((8, 6, 1), 512), ((256, 256, 3), 85), ((1024, 1024, 3), 64)])
def test_fewer_large_pictures_are_watched(shape, n):
    assert KIND.watched(Field(KIND, shape)) == n >= KIND.shown


@pytest.mark.parametrize("suffix", KIND.suffixes[:-1])
def test_pictures_are_written(tmp_path, suffix):
    examples, labels = stored(6), np.arange(6) % 2
    for path, n in ((tmp_path / f"many{suffix}", 6), (tmp_path / f"one{suffix}", 1)):
        KIND.write(examples[:n], path, FIELD, labels[:n])
        wanted = images.grid(examples, 2) if n > 1 else examples[0]
        picture = np.asarray(Image.open(path).convert("L"), int)
        assert picture.shape == wanted.shape[:2]
        if suffix == ".png":
            np.testing.assert_array_equal(picture, wanted[..., 0])
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_can_be_read(tmp_path, channels):
    field, examples = Field(KIND, (8, 6, channels)), stored(1, (8, 6, channels))
    KIND.write(examples, tmp_path / "a.png", field, None)
    np.testing.assert_array_equal(KIND.read(tmp_path / "a.png", field), examples)
    other = KIND.read(tmp_path / "a.png", Field(KIND, (99, 99, 4 - channels)))
    assert other.shape == (1, 8, 6, 4 - channels) and other.dtype == np.uint8


@pytest.mark.parametrize("labels", [None, np.array([1, 0, 1])])
def test_arrays_are_a_source(tmp_path, labels):
    examples = stored(3)
    KIND.write(examples, tmp_path / "a.npz", FIELD, labels)
    config = {name: key.default for name, key in KEYS.items()} | {"source": f"npz:{tmp_path}/a.npz"}
    source = open_source(type("Config", (), config))
    np.testing.assert_array_equal(source.read(np.arange(3))["image"], examples)
    assert source.labels is None if labels is None else source.labels.tolist() == labels.tolist()


def test_other_files_are_no_pictures(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    for name, says in (
        ("a.png", r"a\.png cannot be read \(not a picture\)"),
        ("none.png", r"none\.png cannot be read"),
    ):
        with pytest.raises(UserError, match=says):
            KIND.read(tmp_path / name, FIELD)
