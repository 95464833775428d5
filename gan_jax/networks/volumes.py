"""Convolutions of solids, [B, D, H, W, C]: kernels of 4x4x4, a stride of 2, one zero at each border.

On a CPU they are products of matrices, as XLA's own gradients of 3-D convolutions take a hundred times as long there
(docs/performance.md); accelerators' libraries have better forms.
"""

from itertools import product

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.networks.layers import kept

DIMENSIONS = ("NDHWC", "DHWIO", "NDHWC")
SIZE = 4


def conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """x [B, D, H, W, C], kernel [4, 4, 4, C, F] -> [B, ceil(D / 2), ceil(H / 2), ceil(W / 2), F]."""
    pads = [(1, 2 * (-(-side // 2)) + 1 - side) for side in x.shape[1:4]]
    if jax.default_backend() == "cpu":
        return _as_product(jnp.pad(x, ((0, 0), *pads, (0, 0))), kernel)
    return lax.conv_general_dilated(x, kernel, (2, 2, 2), pads, dimension_numbers=DIMENSIONS)


def conv_transpose(x: jax.Array, kernel: jax.Array, size: tuple[int, int, int]) -> jax.Array:
    """The transpose of `conv` from solids of `size`: x [B, d, h, w, F], kernel [4, 4, 4, C, F] -> [B, *size, C]."""
    like_result = jax.ShapeDtypeStruct((x.shape[0], *size, kernel.shape[3]), x.dtype)
    (y,) = jax.linear_transpose(lambda y: conv(y, kernel), like_result)(x)
    return y


def _as_product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """The convolution of x that is padded to even sides: its blocks of 2x2x2 as channels, by 2x2x2 taps of such."""
    (batch, *sides, channels), features = x.shape, kernel.shape[-1]
    halves = [half for side in sides for half in (side // 2, 2)]
    blocks = x.reshape(batch, *halves, channels).transpose(0, 1, 3, 5, 2, 4, 6, 7)
    blocks = blocks.reshape(*blocks.shape[:4], 8 * channels)
    depth, height, width = (side // 2 - 1 for side in sides)
    taps = [blocks[:, i : i + depth, j : j + height, k : k + width] for i, j, k in product(range(2), repeat=3)]
    kernel = kernel.reshape(2, 2, 2, 2, 2, 2, channels, features).transpose(0, 2, 4, 1, 3, 5, 6, 7)
    return jnp.concatenate(taps, axis=-1) @ kernel.reshape(64 * channels, features)


class Conv(nn.Module):
    """See `conv`.

    Attributes:
        features: F.
        use_bias: whether to add one.
        kernel_init: of the kernel.
    """

    features: int
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.normal(0.02)

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        y = kept(conv(x, self.param("kernel", self.kernel_init, (SIZE,) * 3 + (x.shape[-1], self.features))))
        return y + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else y


class ConvTranspose(nn.Module):
    """See `conv_transpose`.

    Attributes:
        features: C.
        size: of the result.
        use_bias: whether to add one.
        kernel_init: of the kernel.
    """

    features: int
    size: tuple[int, int, int]
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.normal(0.02)

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.param("kernel", self.kernel_init, (SIZE,) * 3 + (self.features, x.shape[-1]))
        y = kept(conv_transpose(x, kernel, tuple(self.size)))
        return y + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else y
