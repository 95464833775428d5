"""WaveGAN: DCGAN for sounds, with kernels of 25 samples and strides of 4.

Reference: Donahue et al. 2019, section 3 and appendix D, and its authors' code. What differs: the phases of an example
are shuffled by themselves, in the authors' code all those of a batch in one way. Any length will do, and labels.
"""

from functools import partial
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.keys import Count, Positive
from gan_jax.networks.condition import with_label
from gan_jax.networks.discriminator_output import DiscriminatorOutput, WithHead
from gan_jax.networks.layers import compare, conv, conv_transpose, kept, resolutions
from gan_jax.networks.normalization import BatchOrNone, normalize
from gan_jax.noise import per_example

weights = nn.initializers.glorot_uniform()
SMALLEST = 16  # samples of the coarsest layer, at least
STRIDE = 4


def lengths(length: int) -> list[int]:
    """The samples of every layer, from the coarsest to the sound: each a quarter of the next, rounded up.

    16384 -> 16, 64, 256, 1024, 4096, 16384; 6144 -> 24, 96, 384, 1536, 6144. There are at least two.
    """
    return [own for (own,) in resolutions((length,), SMALLEST, STRIDE)]


class Conv(nn.Module):
    """A convolution over time, x [B, L, C] to [B, ceil(L / stride), features].

    Attributes:
        features: channels of the result.
        kernel: its length.
        stride: of it.
        use_bias: whether to add one.
    """

    features: int
    kernel: int
    stride: int = STRIDE
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.param("kernel", weights, (self.kernel, x.shape[-1], self.features))
        y = kept(conv(x[:, None], kernel[None], self.stride)[:, 0])
        return y + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else y


class ConvTranspose(nn.Module):
    """The transpose of a convolution of stride 4, x [B, ceil(length / 4), C] to [B, length, features].

    Attributes:
        features: channels of the result.
        length: of the result.
        kernel: its length.
        use_bias: whether to add one.
    """

    features: int
    length: int
    kernel: int
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.param("kernel", weights, (self.kernel, self.features, x.shape[-1]))
        y = kept(conv_transpose(x[:, None], kernel[None], STRIDE, (1, self.length))[:, 0])
        return y + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else y


class Generator(nn.Module):
    """z [B, Z] (and a label) to sounds [B, L, C] in [-1, 1].

    Attributes:
        shape: (L, C) of the sounds.
        num_classes: of the condition, which is one-hot beside z; 0: unconditional.
        width: channels at a quarter of the rate; doubled at each coarser layer.
        kernel: length of the kernels, samples.
        norm: of hidden layers, see `normalization.normalize`; the paper has none.
        upsample: "zeros", transposed convolutions, or "nearest", each sample four times and a convolution, which makes
            less of a pitched noise.
        post_filter: length of a filter that the result goes through, which learns to take that noise away; 0: none. 512
            in the paper.
    """

    shape: tuple[int, int]
    num_classes: int = 0
    width: Positive = 64
    kernel: Positive = 25
    norm: BatchOrNone = "none"
    upsample: Literal["zeros", "nearest"] = "zeros"
    post_filter: Count = 0

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        z = with_label(z, condition, self.num_classes)
        first, *others = lengths(_length_of(self.shape))
        own = {"use_bias": self.norm == "none"}
        channels = self.width * 2 ** (len(others) - 1)
        x = nn.Dense(first * channels, kernel_init=weights, **own)(z).reshape(-1, first, channels)
        x = nn.relu(normalize(x, self.norm, train))
        for level, length in reversed(list(enumerate(reversed(others[:-1])))):
            x = nn.relu(normalize(self._larger(x, self.width * 2**level, length, **own), self.norm, train))
        return self._filtered(jnp.tanh(self._larger(x, self.shape[1], others[-1])))

    def _larger(self, x: jax.Array, features: int, length: int, **own) -> jax.Array:
        if self.upsample == "zeros":
            return ConvTranspose(features, length, self.kernel, **own)(x)
        return Conv(features, self.kernel, 1, **own)(jnp.repeat(x, STRIDE, axis=1)[:, :length])

    def _filtered(self, sounds: jax.Array) -> jax.Array:
        if not self.post_filter:
            return sounds
        return Conv(self.shape[1], self.post_filter, 1, use_bias=False, name="post_filter")(sounds)


class Discriminator(WithHead):
    """Sounds [B, L, C] (and a label) to a DiscriminatorOutput. `WithHead` has the other attributes.

    Attributes:
        width: channels at a quarter of the rate; doubled at each coarser layer.
        kernel: length of the kernels, samples.
        norm: of all layers but the first, see `normalization.normalize`; the paper has none.
        shuffle: n: each map but the last is moved by a random -n to n places, mirrored at its end (phase shuffle), so
            that the phase of the generator's own noise gives nothing away.
    """

    width: Positive = 64
    kernel: Positive = 25
    norm: BatchOrNone = "none"
    shuffle: Count = 2

    @nn.compact
    def __call__(
        self,
        images: jax.Array,
        condition: jax.Array | None = None,
        train: bool = True,
        key: jax.Array | None = None,
        index: jax.Array | None = None,
    ) -> DiscriminatorOutput:
        x = self.with_label(images, condition)
        count = len(lengths(_length_of(x.shape[1:]))) - 1
        for level in range(count):
            own = self.norm if level > 0 else "none"
            x = Conv(self.width * 2**level, self.kernel, use_bias=own == "none")(x)
            x = nn.leaky_relu(normalize(x, own, train), 0.2)
            if self.shuffle and key is not None and level < count - 1:
                draw = partial(jax.random.randint, minval=-self.shuffle, maxval=self.shuffle + 1)
                steps = per_example(draw, jax.random.fold_in(key, level), index)
                x = shifted(x, steps, self.shuffle)
        features = compare(x, self.minibatch).reshape(x.shape[0], -1)
        return self.discriminate(features, condition, kernel_init=weights)


def shifted(x: jax.Array, steps: jax.Array, most: int) -> jax.Array:
    """x [B, L, C], each example moved to the right by its own of steps int [B] in [-most, most], mirrored at the ends.

    Raises:
        UserError: L is not larger than `most`.
    """
    if x.shape[1] <= most:
        raise UserError(f"phase shuffle of {most} needs more than {x.shape[1]} places: set the discriminator's shuffle")
    padded = jnp.pad(x, ((0, 0), (most, most), (0, 0)), mode="reflect")
    cut = lambda row, step: jax.lax.dynamic_slice_in_dim(row, most - step, x.shape[1])
    return jax.vmap(cut)(padded, steps)


def _length_of(shape: tuple[int, ...]) -> int:
    """L of the shape (L, C) of sounds.

    Raises:
        UserError: it is another kind of data.
    """
    if len(shape) != 2:
        raise UserError("the network wavegan is for sounds: choose another for these data")
    return shape[0]
