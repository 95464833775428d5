"""DCGAN for images of any height, width and number of channels.

Reference: Radford et al. 2016, section 3: strided and transposed 4x4 convolutions, batch normalization except at the
generator's output and the discriminator's input, ReLU in G, leaky ReLU 0.2 in D, weights ~ N(0, 0.02).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.keys import Positive
from gan_jax.networks.condition import with_label
from gan_jax.networks.discriminator_output import DiscriminatorOutput, WithHead
from gan_jax.networks.layers import Conv, ConvTranspose, compare, pyramid
from gan_jax.networks.normalization import Norm, normalize

weights = nn.initializers.normal(0.02)


def _channels(width: int, level: int) -> int:
    """Channels at the resolution that is `level` halvings below the image's half: doubled each time, at most 8-fold."""
    return width * 2 ** min(level, 3)


def _halved(images: jax.Array, width: int, norm: Norm, train: bool) -> jax.Array:
    """The strided convolutions of a discriminator, to be called inside `nn.compact`: images to their coarsest maps."""
    x = images
    for level in range(len(pyramid(images.shape[1:])) - 1):
        own = norm if level > 0 else "none"
        x = Conv(_channels(width, level), use_bias=own == "none", kernel_init=weights)(x)
        x = nn.leaky_relu(normalize(x, own, train), 0.2)
    return x


class Generator(nn.Module):
    """z [B, Z] (and a label) to images [B, H, W, C] in [-1, 1].

    Attributes:
        shape: (H, W, C) of the images.
        num_classes: of the condition, which is one-hot beside z; 0: unconditional.
        width: channels at half the image's resolution; doubled at each coarser one, at most 8-fold.
        norm: of hidden layers, see `normalization.normalize`.
    """

    shape: tuple[int, int, int]
    num_classes: int = 0
    width: Positive = 64
    norm: Norm = "batch"

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        use_bias = self.norm == "none"  # batch normalization has one of its own

        def activate(x):
            return nn.relu(normalize(x, self.norm, train))

        z = with_label(z, condition, self.num_classes)
        (height, width), *sizes = pyramid(self.shape)
        channels = _channels(self.width, len(sizes) - 1)
        x = nn.Dense(height * width * channels, use_bias=use_bias, kernel_init=weights)(z)
        x = activate(x.reshape(-1, height, width, channels))
        for level, size in reversed(list(enumerate(reversed(sizes[:-1])))):
            x = activate(ConvTranspose(_channels(self.width, level), size, use_bias=use_bias, kernel_init=weights)(x))
        return jnp.tanh(ConvTranspose(self.shape[-1], tuple(self.shape[:2]), kernel_init=weights)(x))


class Discriminator(WithHead):
    """Images [B, H, W, C] (and a label) to a DiscriminatorOutput. `WithHead` has the other attributes.

    Attributes:
        width: channels at half the image's resolution; doubled at each coarser one, at most 8-fold.
        norm: of all layers but the first, see `normalization.normalize`.
    """

    width: Positive = 64
    norm: Norm = "batch"

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, train: bool = True
    ) -> DiscriminatorOutput:
        x = _halved(self.with_label(images, condition), self.width, self.norm, train)
        features = compare(x, self.minibatch).reshape(x.shape[0], -1)
        return self.discriminate(features, condition, kernel_init=weights, embedding_init=weights)


class Encoder(nn.Module):
    """Images [B, H, W, C] to [B, size]: a discriminator's convolutions, and a linear layer.

    Attributes:
        size: of a result.
        width: channels at half the image's resolution; doubled at each coarser one, at most 8-fold.
        norm: of all layers but the first, see `normalization.normalize`.
    """

    size: int
    width: Positive = 64
    norm: Norm = "batch"

    @nn.compact
    def __call__(self, examples: jax.Array, train: bool = True) -> jax.Array:
        x = _halved(examples, self.width, self.norm, train)
        return nn.Dense(self.size, kernel_init=weights)(x.reshape(len(x), -1))
