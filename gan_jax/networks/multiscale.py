"""Frames from frames, coarse to fine: the next ones are guessed small, and refined at twice the resolution each time.

Reference: Mathieu et al. 2016, section 2 and the table of its networks: Y_k = u(Y_k-1) + G_k(X_k, u(Y_k-1)), where G_k
are convolutions with ReLUs and tanh at the end, and u enlarges bilinearly. Ours: means of 2x2 pixels lead to the
coarser resolution, and the last weights begin small, so that the first guess is gray. What the field takes for the
authors' code, dyelax/Adversarial_Video_Generation, leaves out the sum.
"""

from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.keys import Positive
from gan_jax.networks.layers import Conv
from gan_jax.networks.resampling import pool

# Of hidden layers, from the coarsest resolution on: channels, as multiples of the width; and sides of all kernels.
CHANNELS = (1, 2, 1), (1, 2, 1), (1, 2, 4, 2, 1), (1, 2, 4, 2, 1)
KERNELS = (3, 3, 3, 3), (5, 3, 3, 5), (5, 3, 3, 3, 3, 5), (7, 5, 5, 5, 5, 7)
HIDDEN, LAST = nn.initializers.he_normal(), nn.initializers.variance_scaling(0.01, "fan_in", "truncated_normal")


class Translator(nn.Module):
    """Images [B, H, W, c], past frames as channels, to [B, H, W, C], the next ones; without bounds or noise.

    Attributes:
        shape: of the result, of which only C is used.
        width: channels of the first layer; 128 in the paper.
        scales: resolutions, each half of that before; the paper's are 4, of which fewer are the finest.
        kernel: the largest side of a kernel: the paper's go up to 7, and 3 is several times as fast.
    """

    shape: tuple[int, int, int]
    width: Positive = 128
    scales: Annotated[int, (1, len(KERNELS))] = 4
    kernel: Annotated[int, (1, 7)] = 7

    def __call__(
        self, images: jax.Array, train: bool = True, key: jax.Array | None = None, index: jax.Array | None = None
    ) -> jax.Array:
        """The finest result; `train`, `key` and `index` change nothing."""
        return self.refine(images, train)[0]

    @nn.compact
    def refine(self, images: jax.Array, train: bool = True) -> list[jax.Array]:
        """The results at all resolutions, [B, ceil(H / 2**k), ceil(W / 2**k), C], the finest (k = 0) first."""
        inputs = [images]
        while len(inputs) < self.scales:
            inputs.append(pool(inputs[-1]))
        results = []
        for channels, kernels, x in zip(CHANNELS[-self.scales :], KERNELS[-self.scales :], inputs[::-1], strict=True):
            guess = 0.0
            if results:
                guess = jax.image.resize(results[0], (*x.shape[:3], self.shape[-1]), "linear")
                x = jnp.concatenate([x, guess], axis=-1)
            for times, side in zip(channels, kernels, strict=False):
                x = nn.relu(self._conv(times * self.width, side, HIDDEN)(x))
            results.insert(0, guess + jnp.tanh(self._conv(self.shape[-1], kernels[-1], LAST)(x)))
        return results

    def _conv(self, features: int, side: int, kernel_init: nn.initializers.Initializer) -> nn.Module:
        return Conv(features, min(side, self.kernel), stride=1, kernel_init=kernel_init)
