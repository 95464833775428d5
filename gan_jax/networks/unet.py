"""pix2pix's U-Net: from images to images of the same size, any size.

Reference: Isola et al. 2017, section 6.1.1, and its authors' PyTorch code: strided and transposed 4x4 convolutions, the
decoder's maps beside those of the encoder, leaky ReLU 0.2 going down, ReLU going up, weights ~ N(0, 0.02).
"""

from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.keys import SIZES, TINY, Positive
from gan_jax.networks.layers import Conv, ConvTranspose
from gan_jax.networks.normalization import Norm, normalize
from gan_jax.noise import per_example


def dropped(x: jax.Array, key: jax.Array | None, number: int, index: jax.Array | None, rate: float) -> jax.Array:
    """Dropout: x [B, ...] with about `rate` of its numbers 0, the others divided by 1 - rate; x itself without a key.

    It is drawn for each layer `number` and place `index` [B].
    """
    if key is None or rate == 0:
        return x
    draw = lambda key, shape: jax.random.bernoulli(key, 1 - rate, shape)
    return jnp.where(per_example(draw, jax.random.fold_in(key, number), index, x.shape[1:]), x / (1 - rate), 0)


class Translator(nn.Module):
    """Images [B, H, W, c] to images [B, H, W, C] in [-1, 1].

    Attributes:
        shape: of the result, of which only C is used.
        width: channels at half the image's resolution; doubled at each coarser one, at most 8-fold.
        depth: how often height and width are halved.
        dropout: its rate, after the depth - 5 layers going up that follow the first. It is the only noise, and it is on
            wherever there is a key, at test too.
        norm: of hidden layers, see `normalization.normalize`.
    """

    shape: tuple[int, int, int]
    width: Positive = 64
    depth: Annotated[int, (2, SIZES)] = 8
    dropout: Annotated[float, (0, 1 - TINY)] = 0.5
    norm: Norm = "affine_instance"

    @nn.compact
    def __call__(
        self, images: jax.Array, train: bool = True, key: jax.Array | None = None, index: jax.Array | None = None
    ) -> jax.Array:
        """Translates images, with noise of `key` for the places `index` [B].

        Raises:
            UserError: depth or dropout is out of range, or the images are too small for the depth.
        """
        height, width = images.shape[1:3]
        if self.depth < 2 or not 0 <= self.dropout < 1:
            raise UserError(f"unet needs depth >= 2 and 0 <= dropout < 1, not {self.depth} and {self.dropout}")
        if max(height, width) <= 2 ** (self.depth - 1):  # nothing is left of a single pixel that is normalized
            deepest = (max(height, width) - 1).bit_length()
            what = f"set --config.networks.generator.depth={deepest}" if deepest >= 2 else "it needs 3 pixels"
            raise UserError(f"a unet of depth {self.depth} is too deep for images of {height}x{width}: {what}")
        x, maps = images, []
        for level in range(self.depth):
            x = nn.leaky_relu(x, 0.2) if level > 0 else x
            x = Conv(self.width * min(2**level, 8), use_bias=False)(x)
            x = normalize(x, self.norm if 0 < level < self.depth - 1 else "none", train)
            maps.append(x)
        for level in reversed(range(self.depth - 1)):
            channels, size = maps[level].shape[-1], maps[level].shape[1:3]
            x = normalize(ConvTranspose(channels, size, use_bias=False)(nn.relu(x)), self.norm, train)
            x = dropped(x, key if 3 <= level < self.depth - 2 else None, level, index, self.dropout)
            x = jnp.concatenate([maps[level], x], axis=-1)
        return jnp.tanh(ConvTranspose(self.shape[-1], (height, width))(nn.relu(x)))
