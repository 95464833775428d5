"""PatchGAN: a discriminator that scores every patch of an image by itself.

Reference: Isola et al. 2017, sections 3.2.2 and 6.1.2: 4x4 convolutions, leaky ReLU 0.2, weights ~ N(0, 0.02).
"""

import flax.linen as nn
import jax

from gan_jax.errors import UserError
from gan_jax.keys import Positive
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.networks.layers import Conv, Padding
from gan_jax.networks.normalization import Norm, normalize


class Discriminator(nn.Module):
    """Images [B, H, W, C] to a DiscriminatorOutput with a logit a patch, [B, h, w], h = ceil(H / 2**layers) - 2.

    Attributes:
        num_classes: must be 0: patches are scored without a label.
        width: channels of the first layer; doubled in each further one, at most 8-fold.
        layers: how many come after the first. With 1, 2 or 3 of them a patch has 16, 34 or 70 pixels a side.
        norm: "affine_instance" is pix2pix's, "instance" CycleGAN's, see `normalization.normalize`.
        padding: of the two last convolutions, whose stride is 1: "torch", the authors', loses a row and a column in
            each; "same" loses none.
    """

    num_classes: int = 0
    width: Positive = 64
    layers: Positive = 3
    norm: Norm = "affine_instance"
    padding: Padding = "torch"

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, train: bool = True
    ) -> DiscriminatorOutput:
        """Scores images, beside which a game may have stacked their inputs.

        Raises:
            UserError: there are classes, no layers or no images, or nothing is left of them.
        """
        if self.num_classes:
            raise UserError("the network patch scores images without labels: set --config.labels=ignore")
        if self.layers < 1 or images.ndim != 4:
            raise UserError(f"the network patch needs images and layers >= 1, these are points or layers={self.layers}")
        smallest = 1 if self.padding == "same" else 2 * 2**self.layers + 1
        if min(images.shape[1:3]) < smallest:
            raise UserError(
                f"a patch of {self.layers} layers needs images of {smallest} pixels or more, not "
                f"{images.shape[1]}x{images.shape[2]}: set --config.networks.discriminator.layers to less, or its "
                "padding to same"
            )
        use_bias = self.norm in ("none", "instance")  # instance normalization undoes it, but CycleGAN's authors have it
        x = nn.leaky_relu(Conv(self.width)(images), 0.2)
        maps = [x]
        for n in range(1, self.layers + 1):
            features, stride = self.width * min(2**n, 8), 2 if n < self.layers else 1
            x = Conv(features, stride=stride, use_bias=use_bias, padding=self.padding if stride == 1 else "same")(x)
            x = nn.leaky_relu(normalize(x, self.norm, train), 0.2)
            maps.append(x)
        return DiscriminatorOutput(Conv(1, stride=1, padding=self.padding)(x)[..., 0], x, maps=tuple(maps))
