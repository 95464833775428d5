"""Fully connected networks, for points and for small images.

Reference: Goodfellow et al. 2014, section 5 (in its modern form: leaky ReLU instead of maxout).
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.networks.layers import normalise


class Generator(nn.Module):
    """z [B, Z] (and a label) to [B, *shape]: images in [-1, 1], or points without bounds.

    Attributes:
        shape: of one result, (H, W, C) or (D,).
        num_classes: of the condition, one-hot beside z; 0: unconditional.
        width: of each hidden layer.
        depth: hidden layers.
        norm: "batch" or "none".
    """

    shape: tuple[int, ...]
    num_classes: int = 0
    width: int = 512
    depth: int = 3
    norm: str = "none"

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        x = z
        if self.num_classes:
            x = jnp.concatenate([x, jax.nn.one_hot(condition, self.num_classes)], axis=-1)
        for _ in range(self.depth):
            x = normalise(nn.Dense(self.width)(x), self.norm, train)
            x = nn.leaky_relu(x, 0.2)
        x = nn.Dense(math.prod(self.shape))(x).reshape(-1, *self.shape)
        return jnp.tanh(x) if len(self.shape) == 3 else x


class Discriminator(nn.Module):
    """Images or points [B, ...] (and a label) to logits [B].

    Attributes:
        num_classes: of the condition, by projection (Miyato and Koyama 2018); 0: unconditional.
        width: of each hidden layer.
        depth: hidden layers.
        norm: "batch" or "none".
    """

    num_classes: int = 0
    width: int = 512
    depth: int = 3
    norm: str = "none"

    @nn.compact
    def __call__(self, images: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        x = images.reshape(images.shape[0], -1)
        for _ in range(self.depth):
            x = normalise(nn.Dense(self.width)(x), self.norm, train)
            x = nn.leaky_relu(x, 0.2)
        logits = nn.Dense(1)(x)[:, 0]
        if self.num_classes:
            logits += jnp.sum(x * nn.Embed(self.num_classes, x.shape[-1])(condition), axis=-1)
        return logits
