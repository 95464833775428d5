"""A small convolutional classifier that noise keeps from memorizing few labels, as in `improved`."""

import flax.linen as nn
import jax

from gan_jax.errors import UserError
from gan_jax.keys import Count, Positive, Weight
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.networks.improved import noisy
from gan_jax.networks.layers import Conv


class Discriminator(nn.Module):
    """Images [B, H, W, C] to the logits of K classes, with noise if there is a key.

    The features are those of the last hidden layer. D(x) is that of `improved.Discriminator`.

    Attributes:
        num_classes: K.
        width: channels of the first convolution; doubled in each further one.
        depth: number of convolutions, each of which halves height and width.
        features: units of the hidden layer after them.
        input_noise: standard deviation of the noise that is added to the images, which are in [-1, 1].
        noise: standard deviation of that added to the features.
    """

    num_classes: int
    width: Positive = 32
    depth: Count = 3
    features: Positive = 128
    input_noise: Weight = 0.3
    noise: Weight = 0.5

    @nn.compact
    def __call__(
        self,
        images: jax.Array,
        condition: jax.Array | None = None,
        train: bool = True,
        key: jax.Array | None = None,
        index: jax.Array | None = None,
    ) -> DiscriminatorOutput:
        """Classifies images [B, H, W, C], with noise of `key` for the places `index` [B].

        Raises:
            UserError: they are points, or there are no classes.
        """
        if images.ndim != 4 or not self.num_classes:
            raise UserError(
                "--config.networks.discriminator.name=convnet needs images with labels, these are points or have none"
            )
        weights = nn.initializers.he_normal()
        x = noisy(images, key, 0, index, self.input_noise)
        for level in range(self.depth):
            x = nn.leaky_relu(Conv(self.width * 2**level, kernel_init=weights)(x), 0.2)
        features = nn.leaky_relu(nn.Dense(self.features, kernel_init=weights)(x.reshape(x.shape[0], -1)), 0.2)
        classes = nn.Dense(self.num_classes)(noisy(features, key, 1, index, self.noise))
        return DiscriminatorOutput(nn.logsumexp(classes, axis=-1), features, classes)
