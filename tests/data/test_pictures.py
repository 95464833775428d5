import io

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import pictures


def encoded(image, kind="PNG", **kwargs):
    file = io.BytesIO()
    image.save(file, kind, **kwargs)
    return file.getvalue()


def decoded(image, kind="PNG", **kwargs):
    return np.asarray(pictures.decode(encoded(image, kind, **kwargs)))


@pytest.mark.parametrize(("text", "size"), [("native", None), ("64", (64, 64)), (64, (64, 64)), ("48x80", (48, 80))])
def test_sizes(text, size):
    assert pictures.parse_size(text) == size


@pytest.mark.parametrize("text", ["0", "-3", "axb", "64x", "x64", "0x3", "1.5", "", 0, -3, None, "64 "])
def test_bad_sizes(text, rejected):
    assert f"--config.data.image_size={text}: must be" in rejected(pictures.parse_size, text)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_modes(mode):
    image = Image.new("RGB", (3, 2), (255, 255, 255)).convert(mode)
    gray = mode in ("1", "L", "LA")
    assert pictures.is_gray(encoded(image)) == gray
    pixels = decoded(image)
    assert pixels.shape == ((2, 3) if gray else (2, 3, 3)) and (pixels == 255).all()


def test_sixteen_bits_are_scaled():
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    pixels = decoded(Image.fromarray(ramp))
    assert pictures.is_gray(encoded(Image.fromarray(ramp)))
    np.testing.assert_array_equal(pixels.ravel(), np.arange(256))


def test_alpha_lies_over_white():
    image = Image.new("RGBA", (3, 1))
    for x, pixel in enumerate([(200, 0, 100, 255), (200, 0, 100, 0), (0, 0, 0, 51)]):
        image.putpixel((x, 0), pixel)
    assert decoded(image).tolist() == [[[200, 0, 100], [255, 255, 255], [204, 204, 204]]]
    gray = Image.new("LA", (2, 1), (100, 0))
    gray.putpixel((1, 0), (100, 255))
    assert decoded(gray).tolist() == [[255, 100]]


def test_transparent_palettes():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    assert decoded(image, transparency=0).tolist() == [[[255, 255, 255], [40, 50, 60]]]
    assert decoded(image, "GIF", transparency=1).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_cmyk():
    assert decoded(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG", quality=100)[4, 4] == pytest.approx(
        [0, 255, 255], abs=3
    )


def test_the_first_frame_of_a_gif():
    frames = [Image.new("RGB", (2, 2), color) for color in ("red", "blue")]
    assert decoded(frames[0], "GIF", save_all=True, append_images=frames[1:])[0, 0].tolist() == [255, 0, 0]


def test_exif_orientation():
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise, which brings the left to the top
    upright = decoded(Image.fromarray(pixels), "JPEG", exif=exif, quality=100)
    assert upright.shape == (32, 16, 3)
    assert upright[:14].min() > 240 and upright[18:].max() < 15


def halves(width, height):
    """A picture whose left half is black and whose right half is white."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[:, width // 2 :] = 255
    return Image.fromarray(pixels)


def test_crop_covers_and_cuts_both_sides():
    # Of 40x20, the middle 20x20 is kept, so black and white still meet in the center.
    pixels = np.asarray(pictures.fitted(halves(40, 20), (20, 20), "crop"))
    assert (pixels[:, :10] == 0).all() and (pixels[:, 10:] == 255).all()


def test_pad_is_white_above_and_below():
    pixels = np.asarray(pictures.fitted(Image.new("RGB", (40, 20), "red"), (40, 40), "pad"))
    assert (pixels[:10] == 255).all() and (pixels[30:] == 255).all()
    assert (pixels[10:30] == (255, 0, 0)).all()


def test_stretch_keeps_all():
    pixels = np.asarray(pictures.fitted(halves(40, 20), (40, 20), "stretch"))
    assert pixels.shape == (40, 20)
    assert (pixels[:, :7] < 20).all() and (pixels[:, 13:] > 235).all()


@pytest.mark.parametrize("size", [(1000, 1), (1, 1000)])
def test_a_line_is_one_pixel_wide_when_it_is_padded(size):
    padded = np.asarray(pictures.fitted(Image.new("L", size), (8, 8), "pad"))
    assert padded.shape == (8, 8)
    assert (padded == 0).sum() == 8


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_the_right_size_keeps_its_pixels(fit):
    pixels = np.random.default_rng(0).integers(256, size=(9, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(pictures.fitted(Image.fromarray(pixels), (9, 7), fit)), pixels)


def test_shrinking_averages():
    """One-pixel stripes, the worst case of aliasing, become an even gray."""
    stripes = np.tile(np.array([0, 255], np.uint8), (128, 64))
    pixels = np.asarray(pictures.fitted(Image.fromarray(stripes), (16, 16), "stretch"))
    assert np.abs(pixels[:, 2:-2].astype(int) - 127).max() <= 6


@pytest.mark.parametrize("channels", [1, 3])
def test_resize_treats_arrays_as_pictures(channels):
    images = np.random.default_rng(0).integers(256, size=(3, 10, 12, channels), dtype=np.uint8)
    resized = pictures.resize(images, (6, 5), "crop")
    assert resized.shape == (3, 6, 5, channels)
    for image, small in zip(images, resized, strict=True):
        wanted = np.asarray(pictures.fitted(Image.fromarray(image.squeeze()), (6, 5), "crop"))
        np.testing.assert_array_equal(small.squeeze(), wanted)
    assert pictures.resize(images, None, "crop") is images


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_halves_are_fitted_one_by_one(fit):
    both = np.random.default_rng(0).integers(256, size=(10, 24, 3), dtype=np.uint8)
    fitted = np.asarray(pictures.fitted_halves(Image.fromarray(both), (6, 5), fit))
    assert fitted.shape == (6, 10, 3)
    for part, half in ((fitted[:, :5], both[:, :12]), (fitted[:, 5:], both[:, 12:])):
        np.testing.assert_array_equal(part, np.asarray(pictures.fitted(Image.fromarray(half.copy()), (6, 5), fit)))


def test_halves_of_the_right_size_keep_their_pixels(rejected):
    both = np.random.default_rng(0).integers(256, size=(4, 6), dtype=np.uint8)
    for size in (None, (4, 3)):
        np.testing.assert_array_equal(np.asarray(pictures.fitted_halves(Image.fromarray(both), size, "crop")), both)
    assert "7 pixels wide has no two halves" in rejected(pictures.fitted_halves, Image.new("L", (7, 4)), (4, 4), "crop")


@pytest.mark.parametrize(("given", "wanted"), [(1, 1), (1, 3), (3, 3)])
def test_pictures_like_others(given, wanted):
    images = np.random.default_rng(0).integers(256, size=(2, 4, 6, given), dtype=np.uint8)
    np.testing.assert_array_equal(pictures.like(images, (4, 6, wanted)), np.broadcast_to(images, (2, 4, 6, wanted)))
    large = pictures.like(images, (8, 12, wanted))
    assert large.shape == (2, 8, 12, wanted) and large.dtype == np.uint8
    for image, shown in zip(images, large, strict=True):
        bicubic = Image.fromarray(image.squeeze()).resize((12, 8), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(shown, np.broadcast_to(np.asarray(bicubic).reshape(8, 12, given), shown.shape))
