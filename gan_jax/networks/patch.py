"""PatchGAN: a discriminator that judges every patch of an image by itself.

Reference: Isola et al. 2017, sections 3.2.2 and 6.1.2: 4x4 convolutions, leaky ReLU 0.2, weights ~ N(0, 0.02).
"""

import flax.linen as nn
import jax

from gan_jax.errors import UserError
from gan_jax.networks.layers import Conv, normalise
from gan_jax.networks.verdict import Verdict


class Discriminator(nn.Module):
    """Images [B, H, W, C] to a verdict on their patches, logits [B, h, w], h = ceil(H / 2**layers).

    Attributes:
        num_classes: 0: patches are judged without a label.
        width: channels of the first layer; doubled in each further one, at most 8-fold.
        layers: after the first one. A patch has 16, 34 or 70 pixels a side for 1, 2 or 3 of them.
        norm: "affine_instance" (pix2pix's), "instance" (CycleGAN's), "batch" or "none", see `layers.normalise`.
    """

    num_classes: int = 0
    width: int = 64
    layers: int = 3
    norm: str = "affine_instance"

    @nn.compact
    def __call__(self, images: jax.Array, condition: jax.Array | None = None, train: bool = True) -> Verdict:
        """The verdict on images, beside which a game may have stacked those that they were made from.

        Raises:
            UserError: there are classes, no layers or no images.
        """
        if self.num_classes:
            raise UserError("the network patch judges images without labels: set config.labels=ignore")
        if self.layers < 1 or images.ndim != 4:
            raise UserError(f"the network patch needs images and layers >= 1, these are points or layers={self.layers}")
        use_bias = self.norm in ("none", "instance")  # the latter cannot see it, but CycleGAN's authors have it
        x = nn.leaky_relu(Conv(self.width)(images), 0.2)
        for n in range(1, self.layers + 1):
            x = Conv(self.width * min(2**n, 8), stride=2 if n < self.layers else 1, use_bias=use_bias)(x)
            x = nn.leaky_relu(normalise(x, self.norm, train), 0.2)
        return Verdict(Conv(1, stride=1)(x)[..., 0], x)
