"""CycleGAN's ResNet: from images to images of the same size, any size from 5x5.

Reference: Zhu et al. 2017, section 7.2, after Johnson et al. 2016, and its authors' code: convolutions with reflected
borders, instance normalization without parameters, residual blocks at a quarter of the size, weights ~ N(0, 0.02).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.keys import Count, Positive
from gan_jax.networks.layers import Conv, ConvTranspose, Padding, reflect
from gan_jax.networks.normalization import normalize


class ReflectedConv(nn.Module):
    """A convolution of stride 1 with reflected borders: [B, H, W, C] to [B, H, W, features].

    Attributes:
        features: channels of the result.
        kernel_size: of the square kernel, odd.
    """

    features: int
    kernel_size: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        size = (self.kernel_size, self.kernel_size)
        conv = nn.Conv(self.features, size, padding="VALID", kernel_init=nn.initializers.normal(0.02))
        return conv(reflect(x, self.kernel_size // 2))


class Translator(nn.Module):
    """Images [B, H, W, c] to images [B, H, W, C] in [-1, 1], without noise.

    Attributes:
        shape: of the result, of which only C is used.
        width: channels at the image's resolution; twice as many at half of it, four times at a quarter.
        blocks: residual blocks at a quarter of it; the paper has 6 for images of 128x128 and 9 for larger ones.
        padding: of the strided convolutions and their transposes: "torch" as the authors', or "same", which of even
            sides is the same network with all images and kernels turned by 180 degrees.
    """

    shape: tuple[int, int, int]
    width: Positive = 64
    blocks: Count = 9
    padding: Padding = "torch"

    @nn.compact
    def __call__(
        self, images: jax.Array, train: bool = True, key: jax.Array | None = None, index: jax.Array | None = None
    ) -> jax.Array:
        """Translates images; `train`, `key` and `index` change nothing.

        Raises:
            UserError: the images are too small.
        """
        sizes = [images.shape[1:3]]
        if min(sizes[0]) < 5:  # a quarter of it has two pixels, as many as it takes to reflect one
            raise UserError(
                "--config.data.image_size: the network translation needs images of 5x5 or more, not {}x{}".format(
                    *sizes[0]
                )
            )
        norm = lambda x: normalize(x, "instance", train)
        x = nn.relu(norm(ReflectedConv(self.width, 7)(images)))
        for level in (1, 2):
            x = nn.relu(norm(Conv(self.width * 2**level, kernel_size=3, padding=self.padding)(x)))
            sizes.append(x.shape[1:3])
        for _ in range(self.blocks):
            y = nn.relu(norm(ReflectedConv(self.width * 4, 3)(x)))
            x += norm(ReflectedConv(self.width * 4, 3)(y))
        for level in (1, 0):
            up = ConvTranspose(self.width * 2**level, sizes[level], kernel_size=3, padding=self.padding)
            x = nn.relu(norm(up(x)))
        return jnp.tanh(ReflectedConv(self.shape[-1], 7)(x))
