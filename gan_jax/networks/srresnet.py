"""The networks of SRGAN: one that enlarges images of any size, and a discriminator of the results.

Reference: Ledig et al. 2017, figure 4. A parametric ReLU has one slope for all channels.
"""

import flax.linen as nn
import jax

from gan_jax.errors import UserError
from gan_jax.keys import Count, Positive
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.networks.layers import Conv
from gan_jax.networks.normalization import Norm, normalize

weights = nn.initializers.he_normal()


def pixel_shuffle(x: jax.Array, factor: int) -> jax.Array:
    """Channels to pixels: [B, h, w, factor**2 * C] to [B, factor * h, factor * w, C].

    Pixel (factor * i + u, factor * j + v), channel c, is what pixel (i, j) has in channel (factor * u + v) * C + c.

    Reference: Shi et al. 2016, eq. 4.
    """
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, factor, factor, channels // factor**2)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, factor * height, factor * width, -1)


def prelu(x: jax.Array) -> jax.Array:
    """A ReLU with a learned slope below 0, to be called inside `nn.compact`."""
    return nn.PReLU(negative_slope_init=0.25)(x)


class Translator(nn.Module):
    """Images [B, h, w, c] to images [B, factor * h, factor * w, C], without bounds or noise.

    Attributes:
        shape: of the result, of which only C is used.
        factor: 1, 2, 4, 8 and so on.
        width: channels of hidden layers.
        blocks: residual blocks, at the size of the input.
        norm: of hidden layers, see `normalization.normalize`.
        bicubic: whether to add the bicubic enlargement of the images, so that only the residual is learned (Kim et al.
            2016).
    """

    shape: tuple[int, int, int]
    factor: int = 4
    width: Positive = 64
    blocks: Count = 16
    norm: Norm = "batch"
    bicubic: bool = False

    @nn.compact
    def __call__(
        self, images: jax.Array, train: bool = True, key: jax.Array | None = None, index: jax.Array | None = None
    ) -> jax.Array:
        """Enlarges images; `key` and `index` change nothing.

        Raises:
            UserError: the factor is no power of two, or `bicubic` is to add images of other channels.
        """
        batch, height, width, channels = images.shape
        if self.factor < 1 or self.factor & (self.factor - 1):
            raise UserError(f"--config.data.factor={self.factor}: srresnet needs a power of two: 1, 2, 4, 8")
        if self.bicubic and channels != self.shape[-1]:
            raise UserError(
                f"--config.networks.generator.bicubic=True needs {self.shape[-1]} channels in its input, not {channels}"
            )

        def conv(x, features, size=3, use_bias=True, kernel_init=weights):
            return nn.Conv(features, (size, size), use_bias=use_bias, kernel_init=kernel_init)(x)

        def normalized(x, kernel_init=weights):
            x = conv(x, self.width, use_bias=self.norm == "none", kernel_init=kernel_init)
            return normalize(x, self.norm, train)

        # Without normalization each block would double the variance; so all of them together about double it.
        last = nn.initializers.variance_scaling(1 / max(self.blocks, 1), "fan_in", "truncated_normal")
        x = first = prelu(conv(images, self.width, size=9))
        for _ in range(self.blocks):
            x += normalized(prelu(normalized(x)), kernel_init=last)
        x = first + normalized(x)
        for _ in range(self.factor.bit_length() - 1):
            x = prelu(pixel_shuffle(conv(x, 4 * self.width), 2))
        # Small, so that training starts from the bicubic enlargement or from gray.
        small = nn.initializers.variance_scaling(0.01, "fan_in", "truncated_normal")
        x = conv(x, self.shape[-1], size=9, kernel_init=small)
        if self.bicubic:
            size = (batch, self.factor * height, self.factor * width, channels)
            x += jax.image.resize(images, size, "cubic")
        return x


class Discriminator(nn.Module):
    """Images [B, H, W, C] to a DiscriminatorOutput.

    Attributes:
        num_classes: must be 0: images are scored without a label.
        width: channels of the first two convolutions; doubled after every second one.
        norm: of hidden layers, see `normalization.normalize`.
    """

    num_classes: int = 0
    width: Positive = 64
    norm: Norm = "batch"

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, train: bool = True
    ) -> DiscriminatorOutput:
        """Scores images.

        Raises:
            UserError: there are classes or no images.
        """
        if self.num_classes:
            raise UserError("the network srresnet scores images without labels: set --config.labels=ignore")
        if images.ndim != 4:
            raise UserError("the network srresnet needs images, these data are points")
        x = images
        for layer in range(8):
            norm = self.norm if layer > 0 else "none"
            features, stride = self.width * 2 ** (layer // 2), 1 + layer % 2
            x = Conv(features, kernel_size=3, stride=stride, use_bias=norm == "none", kernel_init=weights)(x)
            x = nn.leaky_relu(normalize(x, norm, train), 0.2)
        features = nn.leaky_relu(nn.Dense(16 * self.width, kernel_init=weights)(x.reshape(x.shape[0], -1)), 0.2)
        return DiscriminatorOutput(nn.Dense(1)(features)[:, 0], features)
