"""SPADE's generator: photographs of label maps, which modulate what each layer has normalized away; any size.

Its encoder finds the latents of a photograph, the style, for another map.

Reference: Park et al. 2019 (SPADE), figures 2 and 4 and appendix A, and the authors' code: residual blocks whose
normalizations get gain and bias at each place from the map, from random latents or the coarsest map on, to twice the
resolution each time by repeated pixels, weights of Xavier's form times 0.02. What differs: sides need not be multiples
of 2**depth; `spectral` normalizes all weights, not those of the blocks and of the encoder's convolutions alone; the
encoder halves pictures of the size of training until 4 pixels are left of the longer side, there those of 256 pixels,
to which all are resized.
"""

import math
from functools import partial
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.keys import Count, Positive
from gan_jax.networks.layers import Conv
from gan_jax.networks.normalization import batch_norm, normalize
from gan_jax.networks.resampling import upsample
from gan_jax.noise import per_example

COARSEST = 4  # pixels of the longer side that the encoder ends with
XAVIER = nn.initializers.variance_scaling(0.02**2, "fan_avg", "normal")
conv = partial(Conv, kernel_size=3, stride=1, kernel_init=XAVIER)


def nearest(maps: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Maps [B, H, W, K] of another size: place i of n is place floor(i H / n), as in the authors' code."""
    rows, columns = (jnp.arange(n) * old // n for n, old in zip(size, maps.shape[1:3], strict=True))
    return maps[:, rows][:, :, columns]


class Spade(nn.Module):
    """Spatially adaptive normalization: x [B, h, w, C] normalized, with the gain and bias of each place by the map.

    Attributes:
        norm: without parameters: "batch", by statistics of the batch, or "instance", of each example.
        hidden: channels of the layer between the map and gain and bias.
    """

    norm: Literal["batch", "instance"]
    hidden: int

    @nn.compact
    def __call__(self, x: jax.Array, maps: jax.Array, train: bool) -> jax.Array:
        if self.norm == "batch":
            plain = batch_norm("batch", train, use_scale=False, use_bias=False)(x)
        else:
            plain = normalize(x, self.norm, train)
        seen = nn.relu(conv(self.hidden, name="shared")(nearest(maps, x.shape[1:3])))
        return plain * (1 + conv(x.shape[-1], name="gamma")(seen)) + conv(x.shape[-1], name="beta")(seen)


class Block(nn.Module):
    """A residual block: x [B, h, w, C] to [B, h, w, features], normalized before each convolution.

    Attributes:
        features: channels of the result.
        norm, hidden: see `Spade`.
    """

    features: int
    norm: Literal["batch", "instance"]
    hidden: int

    @nn.compact
    def __call__(self, x: jax.Array, maps: jax.Array, train: bool) -> jax.Array:
        spade = lambda name, x: Spade(self.norm, self.hidden, name=f"norm_{name}")(x, maps, train)
        shortcut, middle = x, min(x.shape[-1], self.features)
        if x.shape[-1] != self.features:
            shortcut = conv(self.features, kernel_size=1, use_bias=False, name="conv_s")(spade("s", x))
        x = conv(middle, name="conv_0")(nn.leaky_relu(spade("0", x), 0.2))
        return shortcut + conv(self.features, name="conv_1")(nn.leaky_relu(spade("1", x), 0.2))


class StyleEncoder(nn.Module):
    """Photographs [B, H, W, C] to the mean and the logarithm of the variance of their latents, each [B, latent_size].

    Attributes:
        size: (H, W), to which other photographs are resized.
        width: channels at half the image's resolution, doubled at each coarser one, at most 8-fold.
        latent_size: Z.
    """

    size: tuple[int, int]
    width: int
    latent_size: int

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        shape = (len(images), *self.size, images.shape[-1])
        x = images if images.shape == shape else jax.image.resize(images, shape, "bilinear", antialias=False)
        for level in range(max(math.ceil(math.log2(max(self.size) / COARSEST)), 1)):
            features = self.width * min(2**level, 8)
            x = Conv(features, 3, 2, padding="torch", use_bias=False, kernel_init=XAVIER, name=f"{level}")(x)
            x = nn.leaky_relu(normalize(x, "instance", train=True), 0.2)
        x = x.reshape(len(x), -1)
        dense = lambda name: nn.Dense(self.latent_size, kernel_init=XAVIER, name=name)(x)
        return dense("mean"), dense("log_variance")


class Translator(nn.Module):
    """Label maps [B, H, W, K] to images [B, H, W, C] in [-1, 1].

    Attributes:
        shape: (H, W, C) of the results in training; latents have places for that size, and are resized for others.
        width: channels at the image's resolution, doubled at each coarser one, at most 16-fold.
        depth: how often height and width are doubled.
        latent_size: random numbers that the image is made of beside the map, the only noise; 0: there is none.
        hidden: channels between a map and the gains and biases.
        norm: without parameters, "batch" or "instance".
        style: whether there is an encoder, of the same width.
    """

    shape: tuple[int, int, int]
    width: Positive = 64
    depth: Positive = 5
    latent_size: Count = 256
    hidden: Positive = 128
    norm: Literal["batch", "instance"] = "batch"
    style: bool = False

    def setup(self):
        if self.style:
            self.encoder = StyleEncoder(self.shape[:2], self.width, self.latent_size)

    def __call__(
        self, images: jax.Array, train: bool = True, key: jax.Array | None = None, index: jax.Array | None = None
    ) -> jax.Array:
        """Makes images of label maps `images`, with latents of `key` for the places `index` [B]; of 0 without a key.

        Raises:
            UserError: the maps are too small for the depth.
        """
        z = jnp.zeros((len(images), self.latent_size))
        if key is not None and self.latent_size:
            z = per_example(jax.random.normal, key, index, (self.latent_size,))
        if self.style and self.is_initializing():
            self.encode(jnp.zeros((1, *self.shape)))
        return self.make(images, z, train)

    def encode(self, images: jax.Array, train: bool = True) -> tuple[jax.Array, jax.Array]:
        """Mean and logarithm of the variance of the latents of photographs [B, h, w, C], each [B, latent_size].

        Raises:
            UserError: there are no latents.
        """
        if not self.latent_size:
            raise UserError("spade: a style is in the latents: set --config.networks.generator.latent_size=256")
        return self.encoder(images)

    @nn.compact
    def make(self, images: jax.Array, z: jax.Array, train: bool = True) -> jax.Array:
        """The same with latents z [B, latent_size]."""
        sizes = [images.shape[1:3]]
        for _ in range(self.depth):
            sizes.insert(0, tuple(math.ceil(side / 2) for side in sizes[0]))
        if sizes[1] == sizes[0]:
            height, width = images.shape[1:3]
            most = max((max(height, width) - 1).bit_length(), 1)
            raise UserError(
                f"spade of depth {self.depth} is too deep for images of {height}x{width}: set "
                f"--config.networks.generator.depth={most}"
            )
        widths = [self.width * min(2 ** (self.depth - level), 16) for level in range(self.depth + 1)]
        block = lambda features, name, x: Block(features, self.norm, self.hidden, name=name)(x, images, train)
        if self.latent_size:
            start = [math.ceil(side / 2**self.depth) for side in self.shape[:2]]
            first = nn.Dense(math.prod(start) * widths[0], kernel_init=XAVIER, name="first")(z)
            x = nearest(first.reshape(-1, *start, widths[0]), sizes[0])
        else:
            x = conv(widths[0], name="first")(nearest(images, sizes[0]))
        x = block(widths[0], "0", x)
        for level in range(1, self.depth + 1):
            x = block(widths[level], str(level), upsample(x, sizes[level]))
            if level == 1:
                x = block(widths[1], "1_again", x)
        return jnp.tanh(conv(self.shape[-1], name="image")(nn.leaky_relu(x, 0.2)))
