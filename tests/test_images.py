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


def test_jpeg_keeps_thin_lines_of_color(tmp_path):
    """Without chroma subsampling, which would mix the colors of neighboring pixels."""
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:, ::2, 0], picture[:, 1::2, 2] = 255, 255
    for name in ("a.jpg", "a.JPEG"):
        images.save(picture, tmp_path / name)
        saved = Image.open(tmp_path / name)
        assert saved.format == "JPEG" and saved.size == (16, 16)
        assert np.abs(np.asarray(saved).astype(int) - picture).mean() < 8
    images.save(picture[..., :1], tmp_path / "gray.jpg")
    assert Image.open(tmp_path / "gray.jpg").mode == "L"


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


def test_words_are_as_wide_as_they_are_long():
    short, long = images.text("cat"), images.text("a cat and a dog")
    assert short.dtype == np.uint8 and short.shape[0] == long.shape[0] and short.shape[2] == 1
    assert 3 * short.shape[1] < long.shape[1]
    assert short.min() == 0 and (short[:, 0] == 255).all() and (short[0] == 255).all()  # black, within white
    assert images.text("cat", size=28).shape[0] > 1.5 * short.shape[0]
    assert images.text("").shape[0] == short.shape[0]


def test_a_sheet_has_titles_over_its_columns():
    rng = np.random.default_rng(0)
    gray, color = (rng.integers(0, 255, (n, 28, 20, c), np.uint8) for n, c in ((2, 1), (3, 3)))
    sheet = images.titled_sheet({"input": gray, "output": color}, smallest=28)
    head = images.text("input").shape[0]
    assert sheet.dtype == np.uint8 and sheet.shape[0] == head + 3 * 56 and sheet.shape[2] == 3  # enlarged 2 times
    large = [images.repeat(2, axis=1).repeat(2, axis=2) for images in (gray.repeat(3, axis=3), color)]
    width = max(images.text("input").shape[1], 40)
    titles = images.text("input"), images.text("output")
    start = (titles[0].shape[1] - 40) // 2 if titles[0].shape[1] > 40 else 0
    np.testing.assert_array_equal(sheet[head : head + 56, start : start + 40], large[0][0])
    np.testing.assert_array_equal(sheet[head + 56 : head + 112, start : start + 40], large[0][1])
    assert (sheet[head + 112 :, :width] == 255).all()  # there are but two of them
    left = (width - titles[0].shape[1]) // 2
    shown = sheet[:head, left : left + titles[0].shape[1]]
    np.testing.assert_array_equal(shown, titles[0].repeat(3, axis=2))
    start = width + images.MARGIN + max(0, titles[1].shape[1] - 40) // 2
    np.testing.assert_array_equal(sheet[head + 112 :, start : start + 40], large[1][2])


def test_smaller_pictures_in_a_sheet_are_enlarged_to_the_largest():
    small, large = np.full((2, 16, 16, 1), 7, np.uint8), np.full((2, 64, 64, 3), 100, np.uint8)
    wide = np.full((2, 16, 128, 1), 9, np.uint8)
    sheet = images.titled_sheet({"a": small, "b": large, "c": wide})
    head = images.text("a").shape[0]
    assert sheet.shape == (head + 2 * 64, 64 + 64 + 128 + 2 * images.MARGIN, 3)
    assert (sheet[head:, :64] == 7).all() and (sheet[head:, 68:132] == 100).all()
    assert (sheet[head + 24 : head + 40, 136:] == 9).all() and (sheet[head : head + 24, 136:] == 255).all()


def test_captions_lie_under_images():
    pictures = np.full((5, 8, 8, 1), 7, np.uint8)
    drawn = images.captioned_grid(
        pictures, ["one", "two words", "a caption of so many words that it needs lines", "", "x"]
    )
    height, width, channels = drawn.shape
    assert channels == 3 and width % 3 == 0 and height % 2 == 0
    row, column = height // 2, width // 3
    assert (drawn[row:, 2 * column :] == 255).all()  # there is no sixth
    first, middle = drawn[:row, :column], slice((column - 112) // 2, (column + 112) // 2)
    assert (first[4:116, middle] == 7).all() and (first[116:].min() == 0)  # words below, in black
    assert (drawn[116 + 4 : row, 2 * column :].min() == 0) and (drawn[row + 120 :, :column] == 255).all()
