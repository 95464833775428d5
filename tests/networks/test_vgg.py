"""VGG-19's shape and what it sees; tests/test_perceptual.py has its weights and compares it with torch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UserError
from gan_jax.networks.vgg import MEAN, STD, VGG19

INDICES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)  # of torchvision's convolutions


@pytest.mark.parametrize("shape", [(2, 16, 16, 3), (1, 224, 224, 3), (3, 47, 80, 1)])
def test_shapes(shape):
    seen, variables = jax.eval_shape(VGG19().init_with_output, jax.random.key(0), jnp.zeros(shape))
    assert seen.shape == (shape[0], shape[1] // 16, shape[2] // 16, 512)
    assert set(variables["params"]) == {f"features.{i}" for i in INDICES}
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == 20_024_384


def test_images_are_normalized():
    rng = np.random.default_rng(0)
    expected = jax.eval_shape(VGG19().init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)))
    variables = jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape, np.float32), expected)
    image = rng.uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)

    @jax.jit
    def first_map(images):
        _, seen = VGG19().apply(variables, images, capture_intermediates=True)
        return seen["intermediates"]["features.0"]["__call__"][0]

    patch, layer = ((image + 1) / 2 - MEAN)[0, 4:7, 8:11] / STD, variables["params"]["features.0"]
    by_hand = np.einsum("yxc,yxcd->d", patch, layer["kernel"]) + layer["bias"]
    np.testing.assert_allclose(first_map(image)[0, 5, 9], by_hand, rtol=1e-4, atol=1e-4)
    gray = image[..., :1]
    np.testing.assert_allclose(first_map(gray), first_map(gray.repeat(3, axis=-1)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 15, 32, 3), (1, 32, 8, 1)])
def test_small_images_are_rejected(shape):
    with pytest.raises(UserError, match=f"at least 16x16 pixels, not {shape[1]}x{shape[2]}"):
        jax.eval_shape(VGG19().init, jax.random.key(0), jnp.zeros(shape))
