"""StyleGAN2 for images of any height, width and number of channels.

A mapping network turns a latent z into w; every layer of the synthesis network is modulated by a style, a linear map of
w, and gets noise of its own. So w is less entangled than z, a style can be exchanged layer by layer, and what is random
in a picture, such as single hairs, is left to the noise.

Reference: Karras et al. 2019 (StyleGAN), 2020 (StyleGAN2), and their authors' PyTorch code, whose parameters these
networks have. Layers are named after the resolution that they are for, HxW. What differs: styles are mixed at a place
of each example's own, there at one for a batch; the mean w is one of each class, there of all; it moves in the
generator's turn, there in the discriminator's too; image sizes need not be powers of two, see `layers.pyramid`.
"""

import math
from functools import partial
from typing import Annotated, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.keys import TINY, Count, Positive, Share
from gan_jax.networks import equalized
from gan_jax.networks.bilinear import downsample, downsampled_conv, upsample, upsampled_conv
from gan_jax.networks.condition import one_hot, rows
from gan_jax.networks.discriminator_output import DiscriminatorOutput, WithHead
from gan_jax.networks.equalized import Conv, Dense, leaky_relu
from gan_jax.networks.layers import Minibatch, channels, compare, pyramid
from gan_jax.noise import per_example

Architecture = Literal["skip", "residual", "original"]
MIXING = 1  # folded into the key of the noise
AVERAGE_RATE = 0.005  # at which the mean w moves


def draw_noise(key: jax.Array, index: jax.Array, sizes: list[tuple[int, int]]) -> list[jax.Array]:
    """N(0, 1) of each size (H, W) for each example, [B, H, W, 1]; 0 where its index is negative.

    The index is int [B], or int [B, L], one for each size. One draw for all sizes compiles sooner.
    """
    if index.ndim == 2:
        return [draw_noise(key, index[:, layer], sizes)[layer] for layer in range(len(sizes))]
    ends = np.cumsum([height * width for height, width in sizes])
    noise = jnp.where(index[:, None] < 0, 0.0, per_example(jax.random.normal, key, index, (ends[-1],)))
    noise = jnp.split(noise, ends[:-1], axis=1)
    return [part.reshape(-1, *size, 1) for part, size in zip(noise, sizes, strict=True)]


class Mapping(nn.Module):
    """z [B, Z] or None, and a label if there are classes, to w [B, size].

    Attributes:
        size: units of every layer.
        layers: after the inputs, which are scaled to a mean square of 1.
        num_classes: of the condition; 0: unconditional.
        learning_rate: relative to that of other layers.
    """

    size: int
    layers: int
    num_classes: int
    learning_rate: float = 0.01

    @nn.compact
    def __call__(self, z: jax.Array | None, condition: jax.Array | None) -> jax.Array:
        inputs = [] if z is None else [equalized.normalize(z)]
        if self.num_classes:
            label = one_hot(condition, self.num_classes)
            inputs.append(equalized.normalize(Dense(self.size, name="embed")(label)))
        x = jnp.concatenate(inputs, axis=-1)
        for _ in range(self.layers):
            x = leaky_relu(Dense(self.size, learning_rate=self.learning_rate)(x))
        return x


class StyledConv(nn.Module):
    """A modulated 3x3 convolution, noise, and a leaky ReLU: x [B, h, w, C], w [B, W] to [B, H, W, features].

    Attributes:
        features: channels of the result.
        size: (H, W) of it.
    """

    features: int
    size: tuple[int, int]

    @nn.compact
    def __call__(self, x: jax.Array, w: jax.Array, noise: jax.Array | None) -> jax.Array:
        """noise: [B, H, W, 1]; None: none."""
        style = Dense(x.shape[-1], bias_init=1.0, name="affine")(w)
        up = None if x.shape[1:3] == self.size else partial(upsampled_conv, size=self.size)
        x = Conv(self.features, convolve=up, use_bias=False)(x, style)
        strength = self.param("noise_strength", nn.initializers.zeros, ())
        if noise is not None:
            x += strength * noise.astype(x.dtype)
        return leaky_relu(x + self.param("bias", nn.initializers.zeros, (self.features,)))


class ToImage(nn.Module):
    """A modulated 1x1 convolution to the channels of the image: x [B, H, W, C], w [B, W] to [B, H, W, features].

    Attributes:
        features: channels of the image.
    """

    features: int

    @nn.compact
    def __call__(self, x: jax.Array, w: jax.Array) -> jax.Array:
        style = Dense(x.shape[-1], bias_init=1.0, name="affine")(w)
        return Conv(self.features, 1, demodulate=False)(x, style).astype(jnp.float32)


class Synthesis(nn.Module):
    """Styles w [B, L, W] to images [B, *shape]. `Generator` has the attributes."""

    shape: tuple[int, int, int]
    width: int
    max_width: int
    architecture: Architecture

    @nn.compact
    def __call__(self, w: jax.Array, key: jax.Array | None, index: jax.Array | None) -> jax.Array:
        sizes, image, layer = pyramid(self.shape), None, 0
        features = [channels(self.width, self.max_width, level) for level in reversed(range(len(sizes)))]
        x = self.param("constant", nn.initializers.normal(1.0), (*sizes[0], features[0]))
        x = jnp.broadcast_to(x, (len(w), *x.shape)).astype(w.dtype)
        noise = iter(() if key is None else draw_noise(key, index, [sizes[0], *(s for s in sizes[1:] for _ in "12")]))
        for size, width in zip(sizes, features, strict=True):
            at, before = f"{size[0]}x{size[1]}", x
            for name in ("conv",) if size == sizes[0] else ("up", "conv"):
                x = StyledConv(width, size, name=f"{at}_{name}")(x, w[:, layer], next(noise, None))
                layer += 1
            if self.architecture == "residual" and size != sizes[0]:
                shortcut = Conv(width, 1, use_bias=False, name=f"{at}_shortcut")(before)
                x = (upsample(shortcut, size) + x) * 2**-0.5
            image = None if image is None else upsample(image, size)
            if self.architecture == "skip" or size == sizes[-1]:
                made = ToImage(self.shape[-1], name=f"{at}_image")(x, w[:, layer])  # the next layer has the same w
                image = made if image is None else image + made
        return image


class Generator(nn.Module):
    """z [B, Z] (and a label) to images [B, H, W, C], not bounded: as in the paper, the last layer is linear.

    Attributes:
        shape: (H, W, C) of the images.
        num_classes: of the condition; 0: unconditional.
        width: channels at the image's resolution, doubled at each coarser one.
        max_width: the most channels at any resolution.
        w_size: W, units of w and of the mapping network.
        mapping_layers: of the mapping network.
        mapping_rate: its learning rate, relative to that of other layers.
        architecture: "skip", the sum of an image at each resolution; "residual"; "original", neither.
        mixing: the share of examples in training that get another w from some layer on.
    """

    shape: tuple[int, int, int]
    num_classes: int = 0
    width: Positive = 64
    max_width: Positive = 512
    w_size: Positive = 512
    mapping_layers: Positive = 2
    mapping_rate: Annotated[float, (TINY, math.inf)] = 0.01
    architecture: Architecture = "skip"
    mixing: Share = 0.9

    def setup(self):
        self.mapping = Mapping(self.w_size, self.mapping_layers, self.num_classes, self.mapping_rate)
        self.synthesis = Synthesis(self.shape, self.width, self.max_width, self.architecture)
        self.average = self.variable("w_average", "mean", jnp.zeros, (max(self.num_classes, 1), self.w_size))

    @property
    def layers(self) -> int:
        """L, how many styles an image has."""
        return 2 * len(pyramid(self.shape))

    def __call__(
        self,
        z: jax.Array,
        condition: jax.Array | None = None,
        train: bool = True,
        key: jax.Array | None = None,
        index: jax.Array | None = None,
    ) -> jax.Array:
        """Images; `key` and `index` [B] are of noise and mixing: without them there is neither."""
        return self.synthesize(self.styles(z, condition, train, key, index), key, index)

    def map(
        self, z: jax.Array, condition: jax.Array | None = None, train: bool = False, rate: float = AVERAGE_RATE
    ) -> jax.Array:
        """w [B, W]. In training the mean w moves towards it at `rate`, where it may change ("w_average" is mutable)."""
        w = self.mapping(z, condition)
        if train and self.is_mutable_collection("w_average") and not self.is_initializing():
            self.average.value += jax.lax.stop_gradient(self._drift(w.astype(jnp.float32), condition, rate))
        return w

    def _drift(self, w: jax.Array, condition: jax.Array | None, rate: float) -> jax.Array:
        """How far the mean w of each class moves: K times as far for each example of it, as there are as many fewer."""
        if not self.num_classes:
            return rate * jnp.mean(w - self.average.value, axis=0, keepdims=True)
        share = min(rate * self.num_classes, 1) * one_hot(condition, self.num_classes) / len(w)
        return share.T @ w - jnp.sum(share, axis=0)[:, None] * self.average.value

    def mean(self, condition: jax.Array | None = None, batch: int = 1) -> jax.Array:
        """The mean w of each example's class, [B, W], or of all, [batch, W]."""
        average = self.average.value
        return rows(average, condition) if self.num_classes else jnp.broadcast_to(average, (batch, self.w_size))

    def styles(
        self,
        z: jax.Array,
        condition: jax.Array | None = None,
        train: bool = False,
        key: jax.Array | None = None,
        index: jax.Array | None = None,
    ) -> jax.Array:
        """w of each layer, [B, L, W]; in training, with a key, of some examples those of two latents."""
        w = self.map(z, condition, train)[:, None]
        layer = jnp.arange(self.layers)
        if not train or key is None or not self.mixing:
            return jnp.broadcast_to(w, (len(w), len(layer), self.w_size))
        keys = jax.random.split(jax.random.fold_in(key, MIXING), 3)
        other = self.mapping(per_example(jax.random.normal, keys[0], index, z.shape[1:]).astype(z.dtype), condition)
        place = per_example(lambda k, _: jax.random.randint(k, (), 1, len(layer)), keys[1], index)
        mixed = per_example(jax.random.uniform, keys[2], index) < self.mixing
        from_other = mixed[:, None] & (layer >= place[:, None])
        return jnp.where(from_other[..., None], other[:, None], w)

    def synthesize(self, w: jax.Array, key: jax.Array | None = None, index: jax.Array | None = None) -> jax.Array:
        """Images of w [B, W], or of w of each layer [B, L, W]; without a key there is no noise."""
        w = jnp.broadcast_to(w[:, None], (len(w), self.layers, self.w_size)) if w.ndim == 2 else w
        return self.synthesis(w, key, index)


class Discriminator(WithHead):
    """Images [B, H, W, C] (and a label) to a DiscriminatorOutput. `WithHead` has the other attributes.

    With conditioning="projection" the label goes through a mapping network of its own.

    Attributes:
        width: channels at the image's resolution, doubled at each coarser one.
        max_width: the most channels at any resolution.
        architecture: "residual"; "skip", which sees the image at each resolution; "original", neither.
        minibatch: how the examples of a batch are compared, see `layers.compare`.
        group: examples that minibatch="stddev" compares; 0: the whole batch.
        mapping_layers: of the label's mapping network.
    """

    width: Positive = 64
    max_width: Positive = 512
    architecture: Architecture = "residual"
    minibatch: Minibatch = "stddev"
    group: Count = 4
    mapping_layers: Positive = 8

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, train: bool = True
    ) -> DiscriminatorOutput:
        image, x = self.with_label(images, condition), None
        sizes = pyramid(images.shape[1:])[::-1]
        for level, size in enumerate(sizes):
            at, width = f"{size[0]}x{size[1]}", channels(self.width, self.max_width, level)
            if x is None or self.architecture == "skip":
                seen = leaky_relu(Conv(width, 1, name=f"{at}_image")(image))
                x = seen if x is None else x + seen
            if size == sizes[-1]:
                break
            before, coarser = x, channels(self.width, self.max_width, level + 1)
            x = leaky_relu(Conv(width, name=f"{at}_conv")(x))
            x = leaky_relu(Conv(coarser, convolve=downsampled_conv, name=f"{at}_down")(x))
            if self.architecture == "residual":
                shortcut = Conv(coarser, 1, use_bias=False, name=f"{at}_shortcut")(downsample(before))
                x = (shortcut + x) * 2**-0.5
            image = downsample(image) if self.architecture == "skip" else image
        x = leaky_relu(Conv(width, name=f"{at}_conv")(compare(x, self.minibatch, self.group)))
        x = leaky_relu(Dense(width, name="flat")(x.reshape(len(x), -1)))
        embedding = None
        if self.num_classes and self.conditioning == "projection":
            x = Dense(width, name="out")(x)
            embedding = Mapping(width, self.mapping_layers, self.num_classes, name="mapping")(None, condition)
        return self.discriminate(
            x * width**-0.5,  # so that the learning rate is equalized here too
            condition,
            kernel_init=nn.initializers.normal(1.0),
            unconditional_logit=False,
            embedding=embedding,
        )
