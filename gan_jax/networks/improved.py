"""The fully connected networks of Improved GAN: a classifier that noise keeps from memorizing few labels.

Reference: Salimans et al. 2016, section 6.1, and its authors' code.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.keys import Count, Positive, Weight
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.networks.normalization import batch_norm
from gan_jax.noise import per_example


class WeightNorm(nn.Module):
    """A dense layer whose weights are a direction and a length: w = g v / |v|, for each of its outputs.

    It is `nn.WeightNorm(nn.Dense(features))`, but it divides the outputs instead of the weights, which is faster, and
    its parameters have plain names. Nothing is initialized from data: the lengths are 1 at first.

    Attributes:
        features: of the result.
        learn_length: whether g is learned, or stays 1.

    Reference: Salimans and Kingma 2016, eq. 2.
    """

    features: int
    learn_length: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        v = self.param("kernel", nn.initializers.lecun_normal(), (x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        g = self.param("length", nn.initializers.ones, (self.features,)) if self.learn_length else 1.0
        return x @ v * (g / jnp.linalg.norm(v, axis=0)) + bias


class Generator(nn.Module):
    """z [B, Z], uniform in [0, 1], to [B, *shape]: images in [-1, 1], or points without bounds.

    Attributes:
        shape: of one result, (H, W, C) or (D,).
        width: units of each hidden layer.
        depth: number of hidden layers, with batch normalization.
    """

    shape: tuple[int, ...]
    width: Positive = 500
    depth: Count = 2

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        x = z
        for _ in range(self.depth):
            x = nn.Dense(self.width, use_bias=False)(x)
            x = batch_norm("batch", train, use_scale=False)(x)
            x = nn.softplus(x)
        x = WeightNorm(math.prod(self.shape), learn_length=True)(x).reshape(-1, *self.shape)
        return jnp.tanh(x / 2) if len(self.shape) == 3 else x  # the paper's sigmoid, scaled to [-1, 1]


def noisy(x: jax.Array, key: jax.Array | None, number: int, index: jax.Array, deviation: float) -> jax.Array:
    """x [B, ...] with normal noise of its own for each layer `number` and place `index` [B]; x itself without a key."""
    if key is None:
        return x
    noise = per_example(jax.random.normal, jax.random.fold_in(key, number), index, x.shape[1:])
    return x + (deviation * noise).astype(x.dtype)


class Discriminator(nn.Module):
    """Images or points [B, ...] to the logits of K classes, with noise if there is a key.

    The features are those of the last hidden layer. D(x) = Z / (Z + 1), where Z is the sum of the exponentials of the
    class logits: a softmax over K + 1 classes, where the last one, "generated", has the logit 0.

    Attributes:
        num_classes: K.
        width: units of the first hidden layer; the next ones have 1/2, 1/4, 1/4 and 1/4 of it.
        input_noise: standard deviation of the noise that is added to the input. 0.6 for images in [-1, 1] is the
            paper's 0.3 for those in [0, 1].
        noise: standard deviation of that added to the result of each hidden layer.
    """

    num_classes: int
    width: Positive = 1000
    input_noise: Weight = 0.6
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
        """Classifies images [B, ...], with noise of `key` for the places `index` [B], see `noise.per_example`.

        Raises:
            UserError: there are no classes.
        """
        if not self.num_classes:
            raise UserError("--config.networks.discriminator.name=improved classifies, but these data have no labels")
        features = noisy(images.reshape(images.shape[0], -1), key, 0, index, self.input_noise)
        x = features
        for number, share in enumerate((1, 2, 4, 4, 4), start=1):
            # sqrt 2, so that the mean square stays that of x.
            features = jnp.sqrt(2.0) * nn.relu(WeightNorm(-(-self.width // share))(x))
            x = noisy(features, key, number, index, self.noise)
        classes = WeightNorm(self.num_classes, learn_length=True)(x)
        return DiscriminatorOutput(nn.logsumexp(classes, axis=-1), features, classes)
