"""R3GAN for images of any height, width and number of channels: a residual network without any normalization.

Every resolution has blocks of 1x1, grouped 3x3 and 1x1 convolutions, of which the last starts at 0; between resolutions
is nothing but a bilinear filter. The authors write it as [1, 2, 1]; their code convolves that with [1, 1].

Reference: Huang et al. 2024 (The GAN is dead; long live the GAN!), section 3, config E, with the initial weights of
Zhang et al. 2019 (Fixup).
"""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.errors import UserError
from gan_jax.keys import Count, Positive
from gan_jax.networks.bilinear import downsample, upsample
from gan_jax.networks.condition import Embed
from gan_jax.networks.discriminator_output import DiscriminatorOutput, WithHead
from gan_jax.networks.layers import DIMENSIONS, compare, kept, pyramid

weights = nn.initializers.variance_scaling(1.0, "fan_in", "normal")


def grouped_conv(x: jax.Array, kernel: jax.Array, groups: int) -> jax.Array:
    """A 3x3 convolution of each group of channels by itself, with SAME padding.

    XLA's CPU backend is slow in groups, and a hundred times slower in their gradients. So there a few groups are
    convolved as one, with a kernel that is 0 between them, and many as the sum over the kernel's nine places.

    Args:
        x: [B, H, W, C].
        kernel: [3, 3, C / groups, D].
        groups: divides C and D.

    Returns:
        [B, H, W, D]
    """
    on_cpu = partial(_convolve_as_one if groups <= 8 else _sum_over_places, groups=groups)
    return lax.platform_dependent(x, kernel, cpu=on_cpu, default=partial(_convolve, groups=groups))


def _convolve(x: jax.Array, kernel: jax.Array, groups: int) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=DIMENSIONS, feature_group_count=groups)


def _convolve_as_one(x: jax.Array, kernel: jax.Array, groups: int) -> jax.Array:
    blocks = kernel.reshape(*kernel.shape[:3], groups, -1)
    whole = jnp.einsum("xychd,gh->xygchd", blocks, jnp.eye(groups, dtype=kernel.dtype))  # block-diagonal
    return _convolve(x, whole.reshape(3, 3, x.shape[-1], kernel.shape[-1]), 1)


def _sum_over_places(x: jax.Array, kernel: jax.Array, groups: int) -> jax.Array:
    batch, height, width, _ = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(batch, height + 2, width + 2, groups, -1)
    kernel = kernel.reshape(*kernel.shape[:3], groups, -1)
    places = [(x[:, i : i + height, j : j + width], kernel[i, j]) for i in range(3) for j in range(3)]
    return sum(jnp.einsum("bhwgc,cgd->bhwgd", *place) for place in places).reshape(batch, height, width, -1)


class GroupedConv(nn.Module):
    """A 3x3 convolution in groups, see `grouped_conv`.

    Attributes:
        features: D, channels of the result.
        groups: divides the channels of input and result.
        kernel_init: of the kernel [3, 3, C / groups, D].
    """

    features: int
    groups: int
    kernel_init: nn.initializers.Initializer

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.param("kernel", self.kernel_init, (3, 3, x.shape[-1] // self.groups, self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return kept(grouped_conv(x, kernel, self.groups)) + bias


class Block(nn.Module):
    """A residual block, the identity at first: [B, H, W, C] to the same.

    Attributes:
        expansion: the channels between are C times this.
        cardinality: groups of the 3x3 convolution.
        depth: L, blocks in all of the network. With 3 layers a block, the initial weights are scaled by L^(-1/4).
    """

    expansion: int
    cardinality: int
    depth: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        features = self.expansion * x.shape[-1]
        if features % self.cardinality:
            raise UserError(
                f"a network's width * expansion ({features}) must be divisible by its cardinality ({self.cardinality})"
            )
        # He et al. 2015, for a leaky ReLU.
        scaled = nn.initializers.variance_scaling(2 / (1 + 0.2**2) / self.depth**0.5, "fan_in", "normal")
        y = nn.leaky_relu(nn.Dense(features, kernel_init=scaled)(x), 0.2)
        y = nn.leaky_relu(GroupedConv(features, self.cardinality, kernel_init=scaled)(y), 0.2)
        return x + nn.Dense(x.shape[-1], use_bias=False, kernel_init=nn.initializers.zeros)(y)


class Generator(nn.Module):
    """z [B, Z] (and a label) to images [B, H, W, C], not bounded: as in the paper, the last layer is linear.

    Attributes:
        shape: (H, W, C) of the images.
        num_classes: of the condition, whose embedding is beside z; 0: unconditional.
        width: channels at every resolution.
        blocks: residual blocks at each resolution.
        cardinality: groups of the 3x3 convolutions.
        expansion: the channels within a block are `width` times this.
        embedding_size: units of the label's embedding.
    """

    shape: tuple[int, int, int]
    num_classes: int = 0
    width: Positive = 768
    blocks: Count = 2
    cardinality: Positive = 96
    expansion: Positive = 2
    embedding_size: Positive = 64

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        if self.num_classes:
            label = Embed(self.num_classes, self.embedding_size, embedding_init=weights)(condition)
            z = jnp.concatenate([z, label], axis=-1)
        sizes = pyramid(self.shape)
        scale = nn.Dense(self.width, use_bias=False, kernel_init=weights)(z)
        x = scale[:, None, None] * self.param("basis", nn.initializers.normal(1.0), (*sizes[0], self.width))
        for size in sizes:
            x = upsample(x, size) if size != sizes[0] else x
            for _ in range(self.blocks):
                x = Block(self.expansion, self.cardinality, depth=self.blocks * len(sizes))(x)
        return nn.Dense(self.shape[-1], use_bias=False, kernel_init=weights)(x)


class Discriminator(WithHead):
    """Images [B, H, W, C] (and a label) to a DiscriminatorOutput. `WithHead` has the other attributes.

    Attributes:
        width: channels at every resolution.
        blocks: residual blocks at each resolution.
        cardinality: groups of the 3x3 convolutions.
        expansion: the channels within a block are `width` times this.
    """

    width: Positive = 768
    blocks: Count = 2
    cardinality: Positive = 96
    expansion: Positive = 2

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, train: bool = True
    ) -> DiscriminatorOutput:
        x = self.with_label(images, condition)
        x = nn.Dense(self.width, use_bias=False, kernel_init=weights)(x)
        levels = len(pyramid(images.shape[1:]))
        for level in range(levels):
            x = downsample(x) if level > 0 else x
            for _ in range(self.blocks):
                x = Block(self.expansion, self.cardinality, depth=self.blocks * levels)(x)
        x = compare(x, self.minibatch)
        _, height, width, features = x.shape
        basis = self.param("basis", nn.initializers.normal((height * width) ** -0.5), (height, width, features))
        x = jnp.sum(x * basis, axis=(1, 2))
        if self.num_classes and self.conditioning == "projection":
            x = nn.Dense(features, use_bias=False, kernel_init=weights)(x)
        return self.discriminate(
            x,
            condition,
            kernel_init=weights,
            embedding_init=nn.initializers.variance_scaling(1 / features, "fan_in", "normal"),
            use_bias=False,
            unconditional_logit=False,
        )
