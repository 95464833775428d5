"""PatchGAN: a discriminator that scores every patch of an image by itself.

Reference: Isola et al. 2017, sections 3.2.2 and 6.1.2: 4x4 convolutions, leaky ReLU 0.2, weights ~ N(0, 0.02).
"""

import flax.linen as nn
import jax

from gan_jax.errors import UserError
from gan_jax.keys import Positive
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.networks.layers import Conv
from gan_jax.networks.normalization import Norm, normalize


class Discriminator(nn.Module):
    """Images [B, H, W, C] to a DiscriminatorOutput with a logit a patch, [B, h, w], h = ceil(H / 2**layers).

    Attributes:
        num_classes: must be 0: patches are scored without a label.
        width: channels of the first layer; doubled in each further one, at most 8-fold.
        layers: how many come after the first. With 1, 2 or 3 of them a patch has 16, 34 or 70 pixels a side.
        norm: "affine_instance" is pix2pix's, "instance" CycleGAN's, see `normalization.normalize`.
    """

    num_classes: int = 0
    width: Positive = 64
    layers: Positive = 3
    norm: Norm = "affine_instance"

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, train: bool = True
    ) -> DiscriminatorOutput:
        """Scores images, beside which a game may have stacked their inputs.

        Raises:
            UserError: there are classes, no layers or no images.
        """
        if self.num_classes:
            raise UserError("the network patch scores images without labels: set --config.labels=ignore")
        if self.layers < 1 or images.ndim != 4:
            raise UserError(f"the network patch needs images and layers >= 1, these are points or layers={self.layers}")
        use_bias = self.norm in ("none", "instance")  # instance normalization undoes it, but CycleGAN's authors have it
        x = nn.leaky_relu(Conv(self.width)(images), 0.2)
        for n in range(1, self.layers + 1):
            x = Conv(self.width * min(2**n, 8), stride=2 if n < self.layers else 1, use_bias=use_bias)(x)
            x = nn.leaky_relu(normalize(x, self.norm, train), 0.2)
        return DiscriminatorOutput(Conv(1, stride=1)(x)[..., 0], x)
