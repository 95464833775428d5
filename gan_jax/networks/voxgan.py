"""3D-GAN: DCGAN for solids.

Reference: Wu et al. 2016, section 3 and its supplementary material: strided and transposed convolutions with kernels of
4x4x4, batch normalization, ReLU in G, leaky ReLU 0.2 in D. What differs: the generator ends with tanh, not a sigmoid,
so that solids are 1 and what is around them -1, as images are; D is not normalized unless `norm` says so, for it may
have a gradient penalty; any sides, and labels.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.keys import Positive
from gan_jax.networks.condition import with_label
from gan_jax.networks.discriminator_output import DiscriminatorOutput, WithHead
from gan_jax.networks.layers import compare, resolutions
from gan_jax.networks.normalization import BatchOrNone, normalize
from gan_jax.networks.volumes import Conv, ConvTranspose

weights = nn.initializers.normal(0.02)
Sides = tuple[int, int, int]


def sizes(shape: tuple[int, ...]) -> list[Sides]:
    """The sides of every layer, from the coarsest to the solid's: each half of the next, rounded up, down to 4.

    Raises:
        UserError: the shape is not (D, H, W, C).
    """
    if len(shape) != 4:
        raise UserError("the network voxgan is for solids: choose another for these data")
    return resolutions(shape[:3], 4)


class Generator(nn.Module):
    """z [B, Z] (and a label) to solids [B, D, H, W, C] in [-1, 1].

    Attributes:
        shape: (D, H, W, C) of the solids.
        num_classes: of the condition, which is one-hot beside z; 0: unconditional.
        width: channels at half the solid's sides; doubled at each coarser layer.
        norm: of hidden layers, see `normalization.normalize`.
    """

    shape: tuple[int, int, int, int]
    num_classes: int = 0
    width: Positive = 64
    norm: BatchOrNone = "batch"

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        own = {"use_bias": self.norm == "none", "kernel_init": weights}
        first, *others = sizes(self.shape)
        channels = self.width * 2 ** (len(others) - 1)
        x = nn.Dense(math.prod(first) * channels, **own)(with_label(z, condition, self.num_classes))
        x = nn.relu(normalize(x.reshape(-1, *first, channels), self.norm, train))
        for level, size in reversed(list(enumerate(reversed(others[:-1])))):
            x = nn.relu(normalize(ConvTranspose(self.width * 2**level, size, **own)(x), self.norm, train))
        return jnp.tanh(ConvTranspose(self.shape[3], others[-1], kernel_init=weights)(x))


class Discriminator(WithHead):
    """Solids [B, D, H, W, C] (and a label) to a DiscriminatorOutput. `WithHead` has the other attributes.

    Attributes:
        width: channels at half the solid's sides; doubled at each coarser layer.
        norm: of all layers but the first, see `normalization.normalize`.
    """

    width: Positive = 64
    norm: BatchOrNone = "none"

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, train: bool = True
    ) -> DiscriminatorOutput:
        x = self.with_label(images, condition)
        for level in range(len(sizes(x.shape[1:])) - 1):
            own = self.norm if level > 0 else "none"
            x = Conv(self.width * 2**level, use_bias=own == "none", kernel_init=weights)(x)
            x = nn.leaky_relu(normalize(x, own, train), 0.2)
        features = compare(x, self.minibatch).reshape(x.shape[0], -1)
        return self.discriminate(features, condition, kernel_init=weights, embedding_init=weights)
