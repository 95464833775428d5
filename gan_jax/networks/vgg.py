"""VGG-19's convolutions: features of natural images, for perceptual losses."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError

# Configuration E: the channels of every 3x3 convolution, and where the resolution is halved.
LAYERS = (64, 64, "max", 128, 128, "max", *[256] * 4, "max", *[512] * 4, "max", *[512] * 4)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue in [0, 1]
SMALLEST = 16  # pixels of a side, of which one is left at the end


class VGG19(nn.Module):
    """The map of the 16th convolution after its ReLU, before the last max-pooling: SRGAN's phi_5,4.

    The layers are named as in torchvision, which counts ReLUs and poolings too.

    Args of the call:
        images: float [B, H, W, C] in [-1, 1], H and W at least 16; gray ones, C = 1, are repeated to C = 3.

    Returns:
        [B, H / 16, W / 16, 512], rounded down; >= 0.

    Raises:
        UserError: the images are too small.

    Reference: Simonyan and Zisserman 2015, table 1; Ledig et al. 2017, section 2.2.1.
    """

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        height, width = images.shape[1:3]
        if min(height, width) < SMALLEST:
            raise UserError(f"VGG-19 takes images of at least {SMALLEST}x{SMALLEST} pixels, not {height}x{width}")
        x = ((images + 1) / 2 - jnp.array(MEAN)) / jnp.array(STD)
        number = 0
        for layer in LAYERS:
            if layer == "max":
                x, number = nn.max_pool(x, (2, 2), strides=(2, 2)), number + 1
            else:
                x, number = nn.relu(nn.Conv(layer, (3, 3), name=f"features.{number}")(x)), number + 2
        return x
