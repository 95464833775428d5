"""Fully connected networks, for points and for small images.

Reference: Goodfellow et al. 2014, section 5 (in its modern form: leaky ReLU instead of maxout).
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.keys import Count, Positive, Weight
from gan_jax.networks.condition import with_label
from gan_jax.networks.discriminator_output import DiscriminatorOutput, WithHead
from gan_jax.networks.layers import compare
from gan_jax.networks.normalization import BatchOrNone, normalize


def _hidden(network: nn.Module, x: jax.Array, train: bool) -> jax.Array:
    """The hidden layers of a network, to be called inside `nn.compact`."""
    for _ in range(network.depth):
        dense = nn.Dense(network.width, bias_init=nn.initializers.normal(network.bias_std))
        x = nn.leaky_relu(normalize(dense(x), network.norm, train), 0.2)
    return x


class Generator(nn.Module):
    """z [B, Z] (and a label) to [B, *shape]: images in [-1, 1], or points without bounds.

    Attributes:
        shape: of one result, (H, W, C) or (D,).
        num_classes: of the condition, which is one-hot beside z; 0: unconditional.
        width: units of each hidden layer.
        depth: number of hidden layers.
        norm: of hidden layers, see `normalization.normalize`.
        bias_std: standard deviation of the initial biases. At 0 all kinks of the function go through the origin at
            first, too few of them for points in the plane.
    """

    shape: tuple[int, ...]
    num_classes: int = 0
    width: Positive = 512
    depth: Count = 3
    norm: BatchOrNone = "none"
    bias_std: Weight = 0.0

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        x = _hidden(self, with_label(z, condition, self.num_classes), train)
        x = nn.Dense(math.prod(self.shape))(x).reshape(-1, *self.shape)
        return jnp.tanh(x) if len(self.shape) == 3 else x


class Discriminator(WithHead):
    """Images or points [B, ...] (and a label) to a DiscriminatorOutput. `WithHead` has the other attributes.

    Attributes:
        width: units of each hidden layer.
        depth: number of hidden layers.
        norm: of hidden layers, see `normalization.normalize`.
        bias_std: standard deviation of the initial biases. At 0 all kinks of the function go through the origin at
            first, too few of them for points in the plane.
    """

    width: Positive = 512
    depth: Count = 3
    norm: BatchOrNone = "none"
    bias_std: Weight = 0.0

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, train: bool = True
    ) -> DiscriminatorOutput:
        x = _hidden(self, self.with_label(images.reshape(images.shape[0], -1), condition), train)
        return self.discriminate(compare(x, self.minibatch), condition)


class Encoder(nn.Module):
    """Images or points [B, ...] to [B, size].

    Attributes:
        size: of a result.
        width: units of each hidden layer.
        depth: number of hidden layers.
        norm: of hidden layers, see `normalization.normalize`.
        bias_std: standard deviation of the initial biases.
    """

    size: int
    width: Positive = 512
    depth: Count = 3
    norm: BatchOrNone = "none"
    bias_std: Weight = 0.0

    @nn.compact
    def __call__(self, examples: jax.Array, train: bool = True) -> jax.Array:
        return nn.Dense(self.size)(_hidden(self, examples.reshape(len(examples), -1), train))
