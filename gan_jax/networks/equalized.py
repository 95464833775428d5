"""Layers with equalized learning rates: weights are N(0, 1), and scaled where they are used.

So Adam, whose steps do not depend on a gradient's scale, moves every layer at the same relative speed.

Reference: Karras et al. 2018 (ProGAN), section 4.1.
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.networks.layers import conv, kept


def leaky_relu(x: jax.Array) -> jax.Array:
    """Leaky ReLU of slope 0.2, times sqrt(2): of what is N(0, 1), a mean square of about 1."""
    return nn.leaky_relu(x, 0.2) * jnp.asarray(2**0.5, x.dtype)


def normalize(x: jax.Array) -> jax.Array:
    """x [..., F] divided by the root of its mean square over F.

    Reference: Karras et al. 2018 (ProGAN), section 4.2.
    """
    return x * jax.lax.rsqrt(jnp.mean(x**2, axis=-1, keepdims=True) + 1e-8)


class Dense(nn.Module):
    """x [..., F] to [..., features].

    Attributes:
        features: of the result.
        bias_init: a constant, the bias at first.
        learning_rate: relative to that of other layers.
        gain: of the weights, whose deviation is gain / sqrt(F).
        use_bias: whether to add a bias.
    """

    features: int
    bias_init: float = 0.0
    learning_rate: float = 1.0
    gain: float = 1.0
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        drawn = nn.initializers.normal(1 / self.learning_rate)
        kernel = self.param("kernel", drawn, (x.shape[-1], self.features))
        y = x @ (kernel * (self.gain * self.learning_rate * x.shape[-1] ** -0.5))
        if not self.use_bias:
            return y
        return y + self.learning_rate * self.param("bias", nn.initializers.constant(self.bias_init), (self.features,))


class Conv(nn.Module):
    """A convolution [B, H, W, C] to [B, H, W, D] or another resolution; modulated, if styles are given.

    A modulated convolution has other weights for each example: w'_ijk = s_i w_ijk / |s w_j|, with s_i of the example
    and j the result's channel. The weights stay as they are here: x is scaled by s before, the result by 1 / |s w_j|
    after it, which is the same.

    Attributes:
        features: D, channels of the result.
        kernel_size: of the square kernel.
        convolve: `(x, kernel) -> y`; None: a convolution of stride 1.
        gain: of the weights, whose deviation is gain / sqrt(k k C).
        demodulate: whether a modulated convolution divides by |s w_j|, [B, D].
        use_bias: whether to add a bias per channel; a caller with noise adds it after that.

    Reference: Karras et al. 2020 (StyleGAN2), section 2.2, and appendix B for a resolution that changes.
    """

    features: int
    kernel_size: int = 3
    convolve: Callable[[jax.Array, jax.Array], jax.Array] | None = None
    gain: float = 1.0
    demodulate: bool = True
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, style: jax.Array | None = None) -> jax.Array:
        """style: [B, C]; None: it is not modulated."""
        k, channels = self.kernel_size, x.shape[-1]
        kernel = self.param("kernel", nn.initializers.normal(1.0), (k, k, channels, self.features))
        kernel *= self.gain * (k * k * channels) ** -0.5
        if style is not None:
            x *= style[:, None, None]
        convolve = self.convolve or partial(conv, stride=1)
        x = x @ kernel[0, 0] if k == 1 else kept(convolve(x, kernel))
        if style is not None and self.demodulate:
            style, kernel = style.astype(jnp.float32), kernel.astype(jnp.float32)
            length = jax.lax.rsqrt(style**2 @ jnp.sum(kernel**2, axis=(0, 1)) + 1e-8)
            x *= length[:, None, None].astype(x.dtype)
        return x + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else x
