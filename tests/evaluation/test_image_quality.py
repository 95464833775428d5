"""Against scikit-image and against the formulas."""

import jax
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from gan_jax.data import make_source
from gan_jax.errors import UserError
from gan_jax.evaluation import l1, psnr, ssim
from gan_jax.evaluation.features import Features
from gan_jax.evaluation.image_quality import sharpness
from gan_jax.evaluation.metrics import EvalInputs
from gan_jax.evaluation.metrics import sharpness as metric

EQUAL = 138.474  # dB: 20 log10(2^23), as float32's epsilon is 2^-23
OPTIONS = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}


def picture(shape, seed=0):
    """Waves that fill the range, [*shape]."""
    h, w, c = shape
    y, x, phase = np.arange(h)[:, None, None], np.arange(w)[:, None], np.arange(c) + seed
    return np.uint8(127.5 + 127.5 * np.sin(x / 3 + phase) * np.cos(y / 5 - phase))


def pairs(shape):
    """Targets and what is compared with them, both uint8 [B, *shape]."""
    rng, base = np.random.default_rng(0), picture(shape)
    noisy = lambda scale: np.uint8(np.clip(base + scale * rng.normal(size=shape), 0, 255))
    flat = lambda value: np.full(shape, value, np.uint8)
    compared = [
        (base, noisy(1)),
        (base, noisy(60)),
        (base, np.roll(base, 2, axis=1)),
        (base, 255 - base),
        (base, picture(shape, seed=2)),
        (base, flat(127)),
        (base, base),
        (flat(255), flat(254)),
        (flat(0), flat(255)),
        (flat(255), np.uint8(254 + rng.integers(2, size=shape))),  # a variance that cancellation would hide
    ]
    return tuple(np.stack(images) for images in zip(*compared, strict=True))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(32, 32, 3), (40, 27, 1), (11, 64, 3)])
def test_ssim_against_scikit_image(shape, dtype):
    a, b = (images.astype(dtype) for images in pairs(shape))
    expected = [structural_similarity(*pair, **OPTIONS, channel_axis=-1) for pair in zip(a, b, strict=True)]
    np.testing.assert_allclose(jax.jit(ssim)(a, b), expected, atol=1e-5)
    np.testing.assert_allclose(ssim(b, a), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(32, 32, 3), (3, 2, 1)])
def test_l1_and_psnr_against_their_formulas(shape):
    a, b = pairs(shape)
    difference = (a.astype(float) - b).reshape(len(a), -1)
    np.testing.assert_allclose(l1(a, b), np.abs(difference).mean(axis=1) / 255, rtol=1e-5)
    with np.errstate(divide="ignore"):
        expected = 20 * np.log10(255 / np.sqrt((difference**2).mean(axis=1)))
        theirs = [peak_signal_noise_ratio(*pair, data_range=255) for pair in zip(a, b, strict=True)]
    equal = ~difference.any(axis=1)
    assert np.isinf(expected[equal]).all() and equal.any()
    expected[equal], theirs = EQUAL, np.where(equal, EQUAL, theirs)
    for images in ((a, b), (b, a), (np.float32(a), np.float32(b))):
        np.testing.assert_allclose(jax.jit(psnr)(*images), expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(l1(*images), l1(a, b))
    np.testing.assert_allclose(psnr(a, b), theirs, rtol=1e-5, atol=1e-5)


def test_the_ends_of_the_scales():
    a = np.stack([picture((16, 12, 3), seed) for seed in range(3)])
    np.testing.assert_array_equal(l1(a, a), 0)
    np.testing.assert_allclose(psnr(a, a), EQUAL, rtol=1e-5)  # which would be infinite
    np.testing.assert_allclose(ssim(a, a), 1, atol=1e-6)
    black, white = np.zeros_like(a), np.full_like(a, 255)
    np.testing.assert_allclose(l1(black, white), 1)
    np.testing.assert_allclose(psnr(black, white), 0)
    np.testing.assert_allclose(ssim(black, white), 1e-4 / (1 + 1e-4), rtol=1e-3)


@pytest.mark.parametrize("shape", [(2, 10, 32, 3), (2, 32, 10, 1)])
def test_images_smaller_than_the_window(shape):
    images = np.zeros(shape, np.uint8)
    with pytest.raises(UserError, match=f"at least 11x11 pixels, not {shape[1]}x{shape[2]}$"):
        ssim(images, images)


@pytest.mark.parametrize("metric", [l1, psnr, ssim])
def test_wrong_shapes_are_rejected(metric):
    images = np.zeros((2, 16, 16, 3), np.uint8)
    for a, b in ((images, images[:1]), (images, images[..., :1]), (images[0], images[0])):
        with pytest.raises(AssertionError):
            metric(a, b)


def edge(n, shape=(30, 60, 3)):
    """A picture, black on the left and white on the right, with n steps between."""
    ramp = np.clip((np.arange(shape[1]) - 20) / n, 0, 1) * 255
    return np.broadcast_to(ramp[:, None], shape)


@pytest.mark.parametrize("n", [1, 5, 15])
def test_sharpness_is_that_of_edges(n):
    both = np.stack([edge(n), edge(n).transpose(1, 0, 2)[:30].repeat(2, axis=1)])
    across, of_columns = np.asarray(sharpness(both))
    assert across == pytest.approx(1 / n / 59, rel=1e-5)  # n differences of 1 / n, of 59
    down = edge(n).transpose(1, 0, 2)[:30, 0, 0]
    assert of_columns == pytest.approx(np.mean((np.diff(down) / 255) ** 2), rel=1e-5)


def test_sharpness_is_a_share_of_that_of_real_examples():
    real, fake = (make_source("image", np.uint8(np.stack([edge(n)] * 7))) for n in (1, 5))
    inputs = EvalInputs(real, fake, Features("pixels", None, None, 1))
    assert metric.compute(inputs)["sharpness"] == pytest.approx(1 / 5, rel=1e-3)
    flat = make_source("image", np.zeros((3, 8, 8, 1), np.uint8))
    assert metric.compute(EvalInputs(flat, flat, inputs.features))["sharpness"] == 0
