"""Images at the borders."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax import images


def test_every_byte_survives_the_round_trip():
    every = np.arange(256, dtype=np.uint8)
    inside = images.to_float(jnp.array(every))
    assert (float(inside.min()), float(inside.max())) == (-1, 1)
    np.testing.assert_array_equal(images.to_uint8(inside), every)


def test_values_beyond_are_clipped():
    assert images.to_uint8(np.array([-7.0, 0.0, 7.0])).tolist() == [0, 128, 255]


def test_grid_places_images_row_by_row():
    few = np.arange(1, 4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), np.uint8)
    sheet = images.grid(few, columns=2, smallest=2)
    assert sheet.shape == (4, 6, 1)
    assert sheet[::2, ::3, 0].tolist() == [[1, 2], [3, 0]]  # the place without an image is black


def test_small_images_are_enlarged_by_a_whole_factor():
    assert images.grid(np.zeros((1, 28, 20, 3), np.uint8)).shape == (84, 60, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_saved_picture(tmp_path, channels):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    images.save(picture, tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")).reshape(5, 7, channels), picture)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_jpeg_keeps_thin_lines_of_colour(tmp_path):
    """Without chroma subsampling, which would mix the colours of neighbouring pixels."""
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:, ::2, 0], picture[:, 1::2, 2] = 255, 255
    for name in ("a.jpg", "a.JPEG"):
        images.save(picture, tmp_path / name)
        saved = Image.open(tmp_path / name)
        assert saved.format == "JPEG" and saved.size == (16, 16)
        assert np.abs(np.asarray(saved).astype(int) - picture).mean() < 8
    images.save(picture[..., :1], tmp_path / "grey.jpg")
    assert Image.open(tmp_path / "grey.jpg").mode == "L"


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_that_take_turns(tmp_path, channels):
    turns = [np.full((5, 7, channels), shade, np.uint8) for shade in (10, 200)]
    images.save_turns(turns, tmp_path / "a.gif")
    animation = Image.open(tmp_path / "a.gif")
    assert (animation.size, animation.n_frames, animation.info["loop"]) == ((7, 5), 2, 0)
    for number, shade in enumerate((10, 200)):
        animation.seek(number)
        assert animation.info["duration"] == 1000
        assert np.abs(np.asarray(animation.convert("L")).astype(int) - shade).max() <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_a_long_animation_is_thinned_and_ends_with_the_last_picture(tmp_path):
    paths = []
    for shade in range(0, 250, 2):
        paths.append(tmp_path / f"{shade:03}.png")
        images.save(np.full((4, 4, 1), shade, np.uint8), paths[-1])
    images.save_animation(paths, tmp_path / "a.gif", most=10)
    animation = Image.open(tmp_path / "a.gif")
    assert animation.n_frames == 10
    animation.seek(9)
    assert abs(int(np.asarray(animation.convert("L"))[0, 0]) - 248) <= 1


def test_points_in_the_plane_over_a_field():
    real, fake = np.random.default_rng(0).normal(size=(2, 50, 2))
    picture = images.draw_points(real, fake, lambda points: points[:, 0])
    plain = images.draw_points(None, fake)
    assert picture.shape == plain.shape == (600, 600, 3)
    left, right = picture[300, 100].astype(int), picture[300, 540].astype(int)
    assert left[1] < left[0] and right[1] > right[0]  # purple where D says generated, green where it says real
