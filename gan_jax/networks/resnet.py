"""The residual networks of WGAN-GP, SNGAN, SAGAN and BigGAN, for images of any height, width and number of channels.

The papers differ in widths, conditioning, attention and initial weights, which are attributes here, and in spectral
normalization, which `networks.build` adds. The shortcut of a block has the block's input itself. In StudioGAN's and
Mimicry's code an in-place ReLU rectifies it too, so that figures quoted from there are of other discriminators; of
projection on CIFAR-10, MMGeneration reports FID 8.12 without it, 8.35 with it.

Reference: Gulrajani et al. 2017 (WGAN-GP); Miyato et al. 2018 (SNGAN), appendix B; Zhang et al. 2019 (SAGAN), section
3; Brock et al. 2019 (BigGAN), appendix B.
"""

from collections.abc import Iterable
from functools import partial
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.keys import Count, Positive
from gan_jax.networks.condition import rows, with_label
from gan_jax.networks.discriminator_output import DiscriminatorOutput, WithHead
from gan_jax.networks.layers import Conv, compare, pyramid
from gan_jax.networks.normalization import Norm, batch_norm, normalize
from gan_jax.networks.resampling import conv_of_upsampled, pool, pooled_conv, upsample, windows

InitialWeights = Literal["glorot", "orthogonal", "normal"]


def weights(initial_weights: str, gain: float = 1.0) -> nn.initializers.Initializer:
    """What a network's attribute `initial_weights` asks for.

    Args:
        initial_weights: "glorot" (uniform), "orthogonal" or "normal" (N(0, 0.02)).
        gain: of "glorot": sqrt 2 for the convolutions of a residual branch, 1 for all other layers.

    Raises:
        UserError: another `initial_weights`.
    """
    if initial_weights == "glorot":
        return nn.initializers.variance_scaling(gain**2, "fan_avg", "uniform")
    if initial_weights == "orthogonal":
        return nn.initializers.orthogonal()
    if initial_weights == "normal":
        return nn.initializers.normal(0.02)
    raise UserError(f"a network's initial_weights={initial_weights!r} must be glorot, orthogonal or normal")


def channels(width: int, grow: bool, level: int) -> int:
    """Channels at `level` halvings of the image's resolution: `width`, if `grow` doubled each time, at most 16-fold."""
    return width * 2 ** min(level, 4) if grow else width


class ConditionalBatchNorm(nn.Module):
    """Batch normalization whose gain, centered at 1, and bias are linear in a code of each example.

    Attributes:
        norm: "batch" or "device_batch", see `normalization.normalize`.
        initial_weights: of the linear maps, see `weights`; with "glorot" they are 0, so gains are 1 and biases 0.

    Reference: de Vries et al. 2017, section 3; with a one-hot label as the code, a gain and a bias for each class. The
    initial values are those of the authors of SNGAN (glorot) and of StudioGAN (orthogonal).
    """

    norm: str
    initial_weights: str

    @nn.compact
    def __call__(self, x: jax.Array, code: jax.Array, train: bool) -> jax.Array:
        """x [B, H, W, C], code [B, E]."""
        init = nn.initializers.zeros if self.initial_weights == "glorot" else weights(self.initial_weights)
        linear = partial(nn.Dense, x.shape[-1], use_bias=False, kernel_init=init)
        gain, bias = 1 + linear(name="gain")(code), linear(name="bias")(code)
        x = batch_norm(self.norm, train, use_bias=False, use_scale=False)(x)
        return gain[:, None, None] * x + bias[:, None, None]


class Attention(nn.Module):
    """Self-attention of [B, H, W, C], every pixel to all 2x2 windows, added with a learned gain that is 0 at first.

    Attributes:
        initial_weights: see `weights`.

    Reference: Zhang et al. 2019, section 3, with the halved resolution of keys and values of the authors' code.
    """

    initial_weights: str

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        linear = partial(nn.Dense, use_bias=False, kernel_init=weights(self.initial_weights))
        few, half = max(x.shape[-1] // 8, 1), max(x.shape[-1] // 2, 1)
        query = linear(few, name="query")(x)
        key = windows(linear(few, name="key")(x)).max(axis=(2, 4))
        value = windows(linear(half, name="value")(x)).max(axis=(2, 4))
        attention = nn.softmax(jnp.einsum("bhwc,bijc->bhwij", query, key), axis=(-2, -1))
        y = linear(x.shape[-1], name="out")(jnp.einsum("bhwij,bijc->bhwc", attention, value))
        return x + self.param("gain", nn.initializers.zeros, ()) * y


def check_attention(player: str, attention: int, heights: Iterable[int]) -> None:
    """Raises a UserError if a player's `attention` is neither 0 nor one of the heights of its feature maps."""
    if attention and attention not in heights:
        heights = ", ".join(map(str, sorted(heights)))
        key = f"--config.networks.{player}.attention"
        raise UserError(f"{key}={attention} must be the height of one of its feature maps ({heights})")


class GeneratorBlock(nn.Module):
    """A residual block to twice the resolution: [B, h, w, C] to [B, H, W, D].

    Attributes:
        features: D.
        size: (H, W), of which (h, w) is the half, rounded up.
        norm: see `normalization.normalize`; "batch" or "device_batch" if there is a code.
        initial_weights: see `weights`.
    """

    features: int
    size: tuple[int, int]
    norm: str
    initial_weights: str

    @nn.compact
    def __call__(self, x: jax.Array, code: jax.Array, train: bool) -> jax.Array:
        """code: [B, E], on which the normalization's gain and bias depend; there is none if E is 0."""

        def activate(x):
            if code.size:
                return nn.relu(ConditionalBatchNorm(self.norm, self.initial_weights)(x, code, train))
            return nn.relu(normalize(x, self.norm, train, gain_std=0))

        conv = partial(Conv, self.features, 3, stride=1, kernel_init=weights(self.initial_weights, gain=2**0.5))
        y = conv(convolve=partial(conv_of_upsampled, size=tuple(self.size)))(activate(x))
        y = conv()(activate(y))
        # A 1x1 convolution, which is the same before the upsampling as after it, but cheaper.
        x = nn.Dense(self.features, kernel_init=weights(self.initial_weights))(x)
        return upsample(x, self.size) + y


class DiscriminatorBlock(nn.Module):
    """A residual block to half the resolution, rounded up, or to the same one: [B, H, W, C] to [B, h, w, D].

    Attributes:
        features: D.
        norm: see `normalization.normalize`.
        initial_weights: see `weights`.
        first: whether x is the image itself, which is neither normalized nor activated.
        halve: whether to halve the resolution.
    """

    features: int
    norm: str
    initial_weights: str
    first: bool = False
    halve: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        conv = partial(Conv, self.features, 3, stride=1, kernel_init=weights(self.initial_weights, gain=2**0.5))
        y = conv()(x if self.first else nn.relu(normalize(x, self.norm, train, gain_std=0)))
        y = conv(convolve=pooled_conv if self.halve else None)(nn.relu(normalize(y, self.norm, train, gain_std=0)))
        x = pool(x) if self.halve else x
        if self.halve or x.shape[-1] != self.features:
            x = nn.Dense(self.features, kernel_init=weights(self.initial_weights))(x)
        return x + y


class Generator(nn.Module):
    """z [B, Z] (and a label) to images [B, H, W, C] in [-1, 1].

    Attributes:
        shape: (H, W, C) of the images.
        num_classes: of the condition; 0: unconditional.
        width: channels at the image's resolution.
        grow: whether the channels double at each coarser resolution, at most 16-fold.
        norm: of hidden layers, see `normalization.normalize`.
        conditioning: how the label is used: "batch_norm", the blocks' gains and biases depend on it; "concat", one-hot
            beside z.
        hierarchical: whether z is split into equal chunks, the first for the first layer, the others for the gains and
            biases of one block each. With "batch_norm", all blocks then share one embedding of the label (BigGAN).
        embedding_size: units of this embedding.
        attention: self-attention follows the block of this height, in pixels; 0: none does.
        initial_weights: their distribution, see `weights`.
    """

    shape: tuple[int, int, int]
    num_classes: int = 0
    width: Positive = 128
    grow: bool = False
    norm: Norm = "batch"
    conditioning: Literal["batch_norm", "concat"] = "batch_norm"
    hierarchical: bool = False
    embedding_size: Positive = 128
    attention: Count = 0
    initial_weights: InitialWeights = "glorot"

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        sizes = pyramid(self.shape)
        check_attention("generator", self.attention, [height for height, _ in sizes[1:]])
        z, codes = self._split(z, condition, blocks=len(sizes) - 1)
        features = [channels(self.width, self.grow, level) for level in reversed(range(len(sizes)))]
        x = nn.Dense(sizes[0][0] * sizes[0][1] * features[0], kernel_init=weights(self.initial_weights))(z)
        x = x.reshape(-1, *sizes[0], features[0])
        for code, size, width in zip(codes, sizes[1:], features[1:], strict=True):
            x = GeneratorBlock(width, size, self.norm, self.initial_weights)(x, code, train)
            if size[0] == self.attention:
                x = Attention(self.initial_weights)(x)
        x = nn.relu(normalize(x, self.norm, train, gain_std=0))
        return jnp.tanh(Conv(self.shape[-1], 3, stride=1, kernel_init=weights(self.initial_weights))(x))

    @property
    def parts(self) -> int:
        """Equal parts of z that are for different layers."""
        return len(pyramid(self.shape)) if self.hierarchical else 1

    def _split(self, z: jax.Array, condition: jax.Array | None, blocks: int) -> tuple[jax.Array, list[jax.Array]]:
        """What the first layer gets of z and the label, [B, F], and the `code` of each block, [B, E], E >= 0."""
        if self.conditioning not in ("batch_norm", "concat"):
            raise UserError(f"a generator's conditioning={self.conditioning!r} must be batch_norm or concat")
        if self.hierarchical and z.shape[-1] % (blocks + 1):
            raise UserError(
                f"--config.networks.latent_size={z.shape[-1]}: a hierarchical generator of {blocks} blocks needs one "
                f"that is divisible by {blocks + 1}"
            )
        z, *codes = jnp.split(z, blocks + 1, axis=-1) if self.hierarchical else [z, *[z[:, :0]] * blocks]
        if self.conditioning == "concat":
            z = with_label(z, condition, self.num_classes)
        elif self.num_classes and self.hierarchical:
            # Not called "embedding": BigGAN normalizes the maps from it spectrally, not the embedding itself.
            shared = self.param("shared", weights(self.initial_weights), (self.num_classes, self.embedding_size))
            codes = [jnp.concatenate([rows(shared, condition), code], axis=-1) for code in codes]
        else:
            codes = [with_label(code, condition, self.num_classes) for code in codes]
        if codes[0].size and self.norm not in ("batch", "device_batch"):
            raise UserError(
                f"--config.networks.generator.norm={self.norm}: a generator that is hierarchical or conditioned by "
                "batch_norm needs norm='batch' or 'device_batch'"
            )
        return z, codes


class Discriminator(WithHead):
    """Images [B, H, W, C] (and a label) to a DiscriminatorOutput. `WithHead` has the other attributes.

    Attributes:
        width: channels after the first block.
        grow: whether the channels double at each further resolution, at most 16-fold.
        smallest: no side is halved below this, except by the first block.
        plain: number of blocks at the coarsest resolution, after those that halve it.
        norm: of all blocks but the first, see `normalization.normalize`.
        pool: how the last feature map is reduced over its pixels.
        attention: self-attention follows the block of this height, in pixels; 0: none does.
        initial_weights: their distribution, see `weights`.
    """

    width: Positive = 128
    grow: bool = False
    smallest: Positive = 7
    plain: Count = 2
    norm: Norm = "none"
    pool: Literal["sum", "mean"] = "sum"
    attention: Count = 0
    initial_weights: InitialWeights = "glorot"

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, train: bool = True
    ) -> DiscriminatorOutput:
        if self.pool not in ("sum", "mean"):
            raise UserError(f"a network's pool={self.pool!r} must be sum or mean")
        heights = [height for height, _ in reversed(pyramid(images.shape[1:], self.smallest)[:-1])]
        check_attention("discriminator", self.attention, heights)
        x = self.with_label(images, condition)
        for level, height in enumerate(heights):
            first, width = level == 0, channels(self.width, self.grow, level)
            x = DiscriminatorBlock(width, "none" if first else self.norm, self.initial_weights, first=first)(x, train)
            if height == self.attention:
                x = Attention(self.initial_weights)(x)
        for _ in range(self.plain):
            width = channels(self.width, self.grow, len(heights))
            x = DiscriminatorBlock(width, self.norm, self.initial_weights, halve=False)(x, train)
        x = compare(nn.relu(x), self.minibatch)
        return self.discriminate(
            x.sum(axis=(1, 2)) if self.pool == "sum" else x.mean(axis=(1, 2)),
            condition,
            kernel_init=weights(self.initial_weights),
            embedding_init=weights(self.initial_weights),
        )
