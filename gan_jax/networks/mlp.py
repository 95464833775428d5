"""Fully connected networks, for points and for small images.

Reference: Goodfellow et al. 2014, section 5 (in its modern form: leaky ReLU instead of maxout).
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.networks.layers import compare, normalise
from gan_jax.networks.verdict import Verdict, judge, with_label


class Generator(nn.Module):
    """z [B, Z] (and a label) to [B, *shape]: images in [-1, 1], or points without bounds.

    Attributes:
        shape: of one result, (H, W, C) or (D,).
        num_classes: of the condition, one-hot beside z; 0: unconditional.
        width: of each hidden layer.
        depth: hidden layers.
        norm: "batch" or "none".
        bias_scale: deviation of the first biases. At 0 all kinks of the function go through the origin at first, which
            points in the plane are too few dimensions for.
    """

    shape: tuple[int, ...]
    num_classes: int = 0
    width: int = 512
    depth: int = 3
    norm: str = "none"
    bias_scale: float = 0.0

    @nn.compact
    def __call__(self, z: jax.Array, condition: jax.Array | None = None, train: bool = True) -> jax.Array:
        x = with_label(z, condition, self.num_classes)
        for _ in range(self.depth):
            dense = nn.Dense(self.width, bias_init=nn.initializers.normal(self.bias_scale))
            x = normalise(dense(x), self.norm, train)
            x = nn.leaky_relu(x, 0.2)
        x = nn.Dense(math.prod(self.shape))(x).reshape(-1, *self.shape)
        return jnp.tanh(x) if len(self.shape) == 3 else x


class Discriminator(nn.Module):
    """Images or points [B, ...] (and a label) to a verdict.

    Attributes:
        num_classes: of the condition; 0: unconditional.
        conditioning: "projection", "auxiliary" or "concat", see `judge`.
        num_codes: see `judge`.
        minibatch: "none", "stddev" or "discrimination", see `layers.compare`.
        width: of each hidden layer.
        depth: hidden layers.
        norm: "batch" or "none".
        bias_scale: deviation of the first biases. At 0 all kinks of the function go through the origin at first, which
            points in the plane are too few dimensions for.
    """

    num_classes: int = 0
    conditioning: str = "projection"
    num_codes: int = 0
    minibatch: str = "none"
    width: int = 512
    depth: int = 3
    norm: str = "none"
    bias_scale: float = 0.0

    @nn.compact
    def __call__(self, images: jax.Array, condition: jax.Array | None = None, train: bool = True) -> Verdict:
        x = images.reshape(images.shape[0], -1)
        if self.conditioning == "concat":
            x = with_label(x, condition, self.num_classes)
        for _ in range(self.depth):
            dense = nn.Dense(self.width, bias_init=nn.initializers.normal(self.bias_scale))
            x = normalise(dense(x), self.norm, train)
            x = nn.leaky_relu(x, 0.2)
        return judge(
            compare(x, self.minibatch),
            condition,
            num_classes=self.num_classes,
            conditioning=self.conditioning,
            num_codes=self.num_codes,
        )
