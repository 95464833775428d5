"""A small convolutional classifier of few labels, kept by noise from learning them by heart, as `improved`'s is."""

import flax.linen as nn
import jax

from gan_jax.errors import UserError
from gan_jax.networks.improved import noisy
from gan_jax.networks.layers import Conv
from gan_jax.networks.verdict import Verdict


class Discriminator(nn.Module):
    """Images [B, H, W, C] to the logits of K classes; there are noisy ones where there is a key.

    The features are those of the last hidden layer, and D(x) is that of `improved.Discriminator`.

    Attributes:
        num_classes: K.
        width: channels of the first convolution, twice as many after each.
        depth: convolutions, each halving height and width.
        features: of the hidden layer after them.
        input_noise: deviation of the noise that is added to the input, of images between -1 and 1.
        noise: and to the features.
    """

    num_classes: int
    width: int = 32
    depth: int = 3
    features: int = 128
    input_noise: float = 0.3
    noise: float = 0.5

    @nn.compact
    def __call__(
        self,
        images: jax.Array,
        condition: jax.Array | None = None,
        train: bool = True,
        key: jax.Array | None = None,
        index: jax.Array | None = None,
    ) -> Verdict:
        """The verdict on images [B, H, W, C], with noise of `key` for the places `index` [B].

        Raises:
            UserError: they are points, or there are no classes.
        """
        if images.ndim != 4 or not self.num_classes:
            raise UserError("the network convnet classifies images that have labels, these are points or have none")
        weights = nn.initializers.he_normal()
        x = noisy(images, key, 0, index, self.input_noise)
        for level in range(self.depth):
            x = nn.leaky_relu(Conv(self.width * 2**level, kernel_init=weights)(x), 0.2)
        features = nn.leaky_relu(nn.Dense(self.features, kernel_init=weights)(x.reshape(x.shape[0], -1)), 0.2)
        classes = nn.Dense(self.num_classes)(noisy(features, key, 1, index, self.noise))
        return Verdict(nn.logsumexp(classes, axis=-1), features, classes)
