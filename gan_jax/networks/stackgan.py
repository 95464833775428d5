"""The second stage of StackGAN: small images made large, with what a caption says of them.

Reference: Zhang et al. 2017 (StackGAN), section 3.3, and the authors' code: 4x4 convolutions of stride 2 halve the
small image, the condition is given to every place, residual blocks join the two, and repeated pixels with 3x3
convolutions double it up to the large image.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.keys import Count, Positive
from gan_jax.networks.condition import with_label
from gan_jax.networks.layers import Conv
from gan_jax.networks.normalization import Norm, normalize
from gan_jax.networks.resampling import conv_of_upsampled


class Refiner(nn.Module):
    """Images [B, h, w, C] and a condition to images [B, H, W, C] in [-1, 1]; H and W are h and w doubled.

    Attributes:
        shape: (H, W, C).
        num_classes: numbers of the condition, [B, num_classes].
        width: channels at the resolution of the small images, doubled at each coarser one, at most 4-fold.
        halvings: of the small images; the authors' code has 2.
        blocks: residual blocks; the authors' code has 4, for 256 pixels.
        norm: of all layers but the first and the last, see `normalization.normalize`.
    """

    shape: tuple[int, int, int]
    num_classes: int
    width: Positive = 128
    halvings: Count = 2
    blocks: Count = 4
    norm: Norm = "batch"

    @nn.compact
    def __call__(self, images: jax.Array, condition: jax.Array, train: bool = True) -> jax.Array:
        def activated(x, conv):
            return nn.relu(normalize(conv(x), self.norm, train))

        width, bias = self.width, self.norm == "none"
        x, sizes = nn.relu(Conv(width, 3, 1)(images)), []
        for _ in range(self.halvings):
            sizes.append(x.shape[1:3])
            width = min(2 * width, 4 * self.width)
            x = activated(x, Conv(width, use_bias=bias))
        x = activated(with_label(x, condition, self.num_classes), Conv(width, 3, 1, use_bias=bias))
        for _ in range(self.blocks):
            inside = activated(x, Conv(width, 3, 1, use_bias=bias))
            x = nn.relu(x + normalize(Conv(width, 3, 1, use_bias=bias)(inside), self.norm, train))
        larger = [tuple(self.shape[:2])]
        while larger[0] != tuple(images.shape[1:3]):
            larger.insert(0, tuple(-(-side // 2) for side in larger[0]))
        for size in [*reversed(sizes), *larger[1:]]:
            width = max(width // 2, self.width // 4)
            up = lambda x, kernel, size=size: conv_of_upsampled(x, kernel, size)
            x = activated(x, Conv(width, 3, 1, use_bias=bias, convolve=up))
        return jnp.tanh(Conv(self.shape[-1], 3, 1)(x))
