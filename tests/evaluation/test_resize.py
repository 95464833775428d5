"""The two resizes against interpolation by hand, Pillow, and torch-fidelity where it is installed."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax.evaluation.resize import clean, legacy

SIZES = [(32, 32), (299, 299), (64, 48), (7, 401), (299, 300), (613, 1)]


def pictures(*shape):
    """Pictures that differ in color, contrast and grain, so that features differ too."""
    rng = np.random.default_rng(0)
    n, height, width, channels = shape
    grain = rng.normal(size=(n, 6, 6, channels))
    coarse = grain[:, np.arange(height) * 6 // height][:, :, np.arange(width) * 6 // width]
    values = rng.uniform(40, 215, (n, 1, 1, channels)) + rng.uniform(0, 80, (n, 1, 1, 1)) * coarse
    return np.clip(values + rng.normal(0, rng.uniform(0, 40, (n, 1, 1, 1)), shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_legacy_resize_is_linear_between_pixels_from_the_corner(size):
    images = pictures(2, *size, 3)
    (top, bottom, down), (left, right, across) = (
        (whole := np.floor(at).astype(int), np.minimum(whole + 1, n - 1), at - whole)
        for n in size
        for at in [np.arange(299, dtype=np.float32) * np.float32(n / 299)]
    )
    across, down = across[:, None], down[:, None, None]
    row = lambda rows: images[:, rows][:, :, left] * (1 - across) + images[:, rows][:, :, right] * across
    resized = legacy(images, 299)
    assert resized.dtype == jnp.float32
    np.testing.assert_allclose(resized, row(top) * (1 - down) + row(bottom) * down, atol=1e-4)
    np.testing.assert_array_equal(resized, legacy(images.astype(np.float32), 299))


@pytest.mark.parametrize("size", SIZES)
def test_clean_resize_is_that_of_pillow_in_floats(size):
    images = pictures(2, *size, 3)
    resized = clean(images, 299)
    assert resized.dtype == jnp.float32
    for image, ours in zip(images, resized, strict=True):
        for channel in range(3):
            picture = Image.fromarray(image[..., channel].astype(np.float32))
            pillow = np.asarray(picture.resize((299, 299), Image.Resampling.BICUBIC))
            np.testing.assert_allclose(ours[..., channel], pillow, atol=2e-4)


@pytest.mark.parametrize("size", SIZES)
def test_legacy_resize_against_torch_fidelity(torch_fidelity, size):
    import torch
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x as interpolate

    images = pictures(2, *size, 3)
    peer = interpolate(torch.tensor(images).permute(0, 3, 1, 2).float(), size=(299, 299), align_corners=False)
    np.testing.assert_allclose(legacy(images, 299), peer.permute(0, 2, 3, 1).numpy(), atol=1e-4)
