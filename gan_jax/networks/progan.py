"""ProGAN: networks that grow, for images of any height, width and number of channels.

Resolutions are doubled by repeating pixels and halved by means of 2x2. Each pixel's features in the generator are
scaled to a mean square of 1. Which resolutions are there, a stage of `gan_jax.growing` says in training, and then the
collection "growth".

Reference: Karras et al. 2018 (ProGAN), sections 2 to 4, appendix A, and the authors' code. Image sizes need not be
powers of two, see `layers.pyramid`. Layers are named after the resolution that they are for, HxW.
"""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.growing import faded
from gan_jax.keys import Count, Positive
from gan_jax.networks import equalized
from gan_jax.networks.condition import with_label
from gan_jax.networks.discriminator_output import DiscriminatorOutput, WithHead
from gan_jax.networks.equalized import normalize
from gan_jax.networks.layers import Minibatch, channels, compare, pyramid
from gan_jax.networks.resampling import conv_of_upsampled, pool, pooled_conv, upsample

Conv, Dense = (partial(layer, gain=2**0.5) for layer in (equalized.Conv, equalized.Dense))  # He et al. 2015


def fades(level: jax.Array, count: int) -> list[jax.Array]:
    """How much of each of `count` resolutions is there, if `level` of those above the coarsest are."""
    return [jnp.clip(level - (number - 1), 0, 1) for number in range(count)]


class Generator(nn.Module):
    """z [B, Z] (and a label) to images, not bounded. The label is one-hot beside z.

    In training they are [B, h, w, C], of the resolution of a stage; else [B, H, W, C] of whatever has grown.

    Attributes:
        shape: (H, W, C) of the images.
        num_classes: of the condition; 0: unconditional.
        width: channels at the image's resolution, doubled at each coarser one.
        max_width: the most channels at any resolution.
    """

    shape: tuple[int, int, int]
    num_classes: int = 0
    width: Positive = 128
    max_width: Positive = 512

    @nn.compact
    def __call__(
        self,
        z: jax.Array,
        condition: jax.Array | None = None,
        train: bool = True,
        level: int | None = None,
        fade: jax.Array | None = None,
    ) -> jax.Array:
        """`level`: resolutions below the finest that is made, of which `fade` is there; None: as the variables say."""
        sizes, image = pyramid(self.shape), None
        grown = self.variable("growth", "level", lambda: jnp.float32(len(sizes) - 1)).value
        there = fades(grown, len(sizes)) if level is None else [fade] * (level + 1)
        activate = lambda x: normalize(nn.leaky_relu(x, 0.2))
        x = normalize(with_label(z, condition, self.num_classes))
        for number, share in enumerate(there):
            size, width = sizes[number], channels(self.width, self.max_width, len(sizes) - 1 - number)
            at = f"{size[0]}x{size[1]}"
            if not number:
                x = Dense(math.prod(size) * width, gain=2**0.5 / 4, use_bias=False, name=f"{at}_dense")(x)
                bias = self.param("bias", nn.initializers.zeros, (width,))
                x = activate(x.reshape(-1, *size, width) + bias)
            else:
                up = partial(conv_of_upsampled, size=size)
                x = activate(Conv(width, convolve=up, name=f"{at}_up")(x))
            x = activate(Conv(width, name=f"{at}_conv")(x))
            if level is None or number >= level - 1:
                made = Conv(self.shape[-1], 1, gain=1.0, name=f"{at}_image")(x)
                image = made if image is None else faded(upsample(image, size), made, share)
        return image


class Discriminator(WithHead):
    """Images [B, H, W, C] (and a label) to a DiscriminatorOutput. `WithHead` has the other attributes.

    Attributes:
        shape: (H, W, C) of images of the finest resolution; (): of those that it is called with.
        width: channels at that resolution, doubled at each coarser one.
        max_width: the most channels at any resolution.
        minibatch: how the examples of a batch are compared, see `layers.compare`.
        group: examples that minibatch="stddev" compares; 0: the whole batch.
    """

    shape: tuple[int, int, int] | tuple[()] = ()
    width: Positive = 128
    max_width: Positive = 512
    minibatch: Minibatch = "stddev"
    group: Count = 4

    @nn.compact
    def __call__(
        self,
        images: jax.Array,
        condition: jax.Array | None = None,
        train: bool = True,
        level: int | None = None,
        fade: jax.Array | None = None,
    ) -> DiscriminatorOutput:
        """`level`: resolutions below that of the images, of which `fade` is there; None: as the variables say."""
        sizes = pyramid(self.shape or images.shape[1:])
        grown = self.variable("growth", "level", lambda: jnp.float32(len(sizes) - 1)).value
        there = fades(grown, len(sizes)) if level is None else [fade] * (level + 1)
        widths = [channels(self.width, self.max_width, len(sizes) - 1 - number) for number in range(len(sizes))]
        at = [f"{height}x{width}" for height, width in sizes]

        def from_image(image, number):
            return nn.leaky_relu(Conv(widths[number], 1, name=f"{at[number]}_image")(image), 0.2)

        image = self.with_label(images, condition)
        x = from_image(image, len(there) - 1)
        for number in range(len(there) - 1, 0, -1):
            x = nn.leaky_relu(Conv(widths[number], name=f"{at[number]}_conv")(x), 0.2)
            down = Conv(widths[number - 1], convolve=pooled_conv, name=f"{at[number]}_down")
            x, image = nn.leaky_relu(down(x), 0.2), pool(image)
            if level in (None, number):
                x = faded(from_image(image, number - 1), x, there[number])
        x = nn.leaky_relu(Conv(widths[0], name=f"{at[0]}_conv")(compare(x, self.minibatch, self.group)), 0.2)
        x = nn.leaky_relu(Dense(widths[0], name="flat")(x.reshape(len(x), -1)), 0.2)
        # So that the learning rate is equalized here too.
        return self.discriminate(x * widths[0] ** -0.5, condition, kernel_init=nn.initializers.normal(1.0))
