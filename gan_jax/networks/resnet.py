"""The residual networks of WGAN-GP, SNGAN, SAGAN and BigGAN, for images of any height, width and number of channels.

The papers differ in widths, conditioning, attention and initial weights, which are attributes here, and in spectral
normalisation, which `networks.build` adds.

Reference: Gulrajani et al. 2017 (WGAN-GP); Miyato et al. 2018 (SNGAN), appendix B; Zhang et al. 2019 (SAGAN), section
3; Brock et al. 2019 (BigGAN), appendix B.
"""

from collections.abc import Iterable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.networks.layers import Conv, compare, normalise, pyramid
from gan_jax.networks.resampling import conv_of_upsampled, pool, pooled_conv, upsample, windows
from gan_jax.networks.verdict import Verdict, judge, with_label


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
    """Batch normalisation whose gain, centred at 1, and bias are linear in a code of each example.

    Reference: de Vries et al. 2017, section 3; with a one-hot label as the code, a gain and a bias for each class.
    """

    @nn.compact
    def __call__(self, x: jax.Array, code: jax.Array, train: bool) -> jax.Array:
        """x [B, H, W, C], code [B, E]."""
        linear = partial(nn.Dense, x.shape[-1], use_bias=False, kernel_init=nn.initializers.normal(0.02))
        gain, bias = 1 + linear(name="gain")(code), linear(name="bias")(code)
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9, use_bias=False, use_scale=False)(x)
        return gain[:, None, None] * x + bias[:, None, None]


class Attention(nn.Module):
    """Self-attention, added with a learnt gain that is 0 at first: every pixel sees all 2x2 windows of [B, H, W, C].

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


def check_attention(attention: int, heights: Iterable[int]) -> None:
    """Raises a UserError if a network's `attention` is neither 0 nor one of the heights of its feature maps."""
    if attention and attention not in heights:
        heights = ", ".join(map(str, sorted(heights)))
        raise UserError(f"a network's attention={attention} must be the height of one of its feature maps ({heights})")


class GeneratorBlock(nn.Module):
    """A residual block to twice the resolution: [B, h, w, C] to [B, H, W, D].

    Attributes:
        features: D.
        size: (H, W), of which (h, w) is the half, rounded up.
        norm: see `layers.normalise`, of a block without a code.
        initial_weights: see `weights`.
    """

    features: int
    size: tuple[int, int]
    norm: str
    initial_weights: str

    @nn.compact
    def __call__(self, x: jax.Array, code: jax.Array, train: bool) -> jax.Array:
        """code: [B, E], of which the normalisation's gain and bias are made; none if E is 0."""

        def activate(x):
            return nn.relu(ConditionalBatchNorm()(x, code, train) if code.size else normalise(x, self.norm, train))

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
        norm: see `layers.normalise`.
        initial_weights: see `weights`.
        first: whether x is the image itself, which is neither normalised nor activated.
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
        y = conv()(x if self.first else nn.relu(normalise(x, self.norm, train)))
        y = conv(convolve=pooled_conv if self.halve else None)(nn.relu(normalise(y, self.norm, train)))
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
        norm: "batch" or "none".
        conditioning: how the label is used: "batch_norm", the blocks' gains and biases are made of it; "concat",
            one-hot beside z.
        hierarchical: whether z is split into equal chunks, the first for the first layer, the others for the gains and
            biases of one block each. With "batch_norm", all blocks then share one embedding of the label (BigGAN).
        embedding_size: of this embedding.
        attention: after the block to this height, in pixels, comes self-attention; 0: nowhere.
        initial_weights: "glorot", "orthogonal" or "normal", see `weights`.
    """

    shape: tuple[int, int, int]
    num_classes: int = 0
    width: int = 128
    grow: bool = False
    norm: str = "batch"
    conditioning: str = "batch_norm"
    hierarchical: bool = False
    embedding_size: int = 128
    attention: int = 0
    initial_weights: str = "glorot"

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        sizes = pyramid(self.shape)
        check_attention(self.attention, [height for height, _ in sizes[1:]])
        z, codes = self._split(z, condition, blocks=len(sizes) - 1)
        features = [channels(self.width, self.grow, level) for level in reversed(range(len(sizes)))]
        x = nn.Dense(sizes[0][0] * sizes[0][1] * features[0], kernel_init=weights(self.initial_weights))(z)
        x = x.reshape(-1, *sizes[0], features[0])
        for code, size, width in zip(codes, sizes[1:], features[1:], strict=True):
            x = GeneratorBlock(width, size, self.norm, self.initial_weights)(x, code, train)
            if size[0] == self.attention:
                x = Attention(self.initial_weights)(x)
        x = nn.relu(normalise(x, self.norm, train))
        return jnp.tanh(Conv(self.shape[-1], 3, stride=1, kernel_init=weights(self.initial_weights))(x))

    def _split(self, z: jax.Array, condition: jax.Array | None, blocks: int) -> tuple[jax.Array, list[jax.Array]]:
        """What the first layer is given of z and the label, [B, F], and what each block's `code` is, [B, E], E >= 0."""
        if self.conditioning not in ("batch_norm", "concat"):
            raise UserError(f"a generator's conditioning={self.conditioning!r} must be batch_norm or concat")
        if self.hierarchical and z.shape[-1] % (blocks + 1):
            raise UserError(
                f"a hierarchical generator of {blocks} blocks needs a latent_size divisible by {blocks + 1}"
            )
        z, *codes = jnp.split(z, blocks + 1, axis=-1) if self.hierarchical else [z, *[z[:, :0]] * blocks]
        if self.conditioning == "concat":
            z = with_label(z, condition, self.num_classes)
        elif self.num_classes and self.hierarchical:
            # Not called "embedding": BigGAN's spectral normalisation is of the maps from it, not of itself.
            shared = self.param("shared", weights(self.initial_weights), (self.num_classes, self.embedding_size))
            codes = [jnp.concatenate([shared[condition], code], axis=-1) for code in codes]
        else:
            codes = [with_label(code, condition, self.num_classes) for code in codes]
        if codes[0].size and self.norm != "batch":
            raise UserError("a generator that is hierarchical or conditioned by batch_norm needs norm='batch'")
        return z, codes


class Discriminator(nn.Module):
    """Images [B, H, W, C] (and a label) to a verdict.

    Attributes:
        num_classes: of the condition; 0: unconditional.
        conditioning: "projection", "auxiliary" or "concat", see `judge`.
        num_codes: see `judge`.
        minibatch: "none", "stddev" or "discrimination", see `layers.compare`.
        width: channels after the first block.
        grow: whether the channels double at each further resolution, at most 16-fold.
        smallest: no side is halved below this, except by the first block.
        plain: blocks at the coarsest resolution, after those that halve it.
        norm: "none" or "batch"; the first block has none.
        pool: over the pixels, "sum" or "mean".
        attention: after the block to this height, in pixels, comes self-attention; 0: nowhere.
        initial_weights: "glorot", "orthogonal" or "normal", see `weights`.
    """

    num_classes: int = 0
    conditioning: str = "projection"
    num_codes: int = 0
    minibatch: str = "none"
    width: int = 128
    grow: bool = False
    smallest: int = 7
    plain: int = 2
    norm: str = "none"
    pool: str = "sum"
    attention: int = 0
    initial_weights: str = "glorot"

    @nn.compact
    def __call__(self, images: jax.Array, condition: jax.Array | None = None, train: bool = True) -> Verdict:
        if self.pool not in ("sum", "mean"):
            raise UserError(f"a network's pool={self.pool!r} must be sum or mean")
        heights = [height for height, _ in reversed(pyramid(images.shape[1:], self.smallest)[:-1])]
        check_attention(self.attention, heights)
        x = with_label(images, condition, self.num_classes) if self.conditioning == "concat" else images
        for level, height in enumerate(heights):
            first, width = level == 0, channels(self.width, self.grow, level)
            x = DiscriminatorBlock(width, "none" if first else self.norm, self.initial_weights, first=first)(x, train)
            if height == self.attention:
                x = Attention(self.initial_weights)(x)
        for _ in range(self.plain):
            width = channels(self.width, self.grow, len(heights))
            x = DiscriminatorBlock(width, self.norm, self.initial_weights, halve=False)(x, train)
        x = compare(nn.relu(x), self.minibatch)
        return judge(
            x.sum(axis=(1, 2)) if self.pool == "sum" else x.mean(axis=(1, 2)),
            condition,
            num_classes=self.num_classes,
            conditioning=self.conditioning,
            num_codes=self.num_codes,
            kernel_init=weights(self.initial_weights),
            embedding_init=weights(self.initial_weights),
        )
