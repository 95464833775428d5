"""Normalization of feature maps, by the batch or by each example.

Statistics of a batch are of the whole batch on any number of devices, so that a config means the same everywhere. Under
jit the batch is whole, however it is sharded. Runners that map over devices (pmap) name that axis "batch", and layers
average over it. What is added to a variance is 1e-5, as in PyTorch; StudioGAN adds 1e-4, Chainer 2e-5.
"""

import math
from typing import Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.errors import UserError

BATCH_AXIS = "batch"
BatchOrNone = Literal["batch", "device_batch", "none"]
Norm = Literal["batch", "device_batch", "instance", "affine_instance", "none"]


def batch_axis() -> str | None:
    """The name of the axis over which devices are mapped, if this is traced under one, else None."""
    try:
        lax.axis_size(BATCH_AXIS)
    except NameError:
        return None
    return BATCH_AXIS


def batch_norm(norm: str, train: bool, **options) -> nn.BatchNorm:
    """The layer for `norm`, "batch" or "device_batch", see `normalize`; to be made inside `nn.compact`."""
    axis_name = batch_axis() if train and norm == "batch" else None
    return nn.BatchNorm(use_running_average=not train, momentum=0.9, axis_name=axis_name, **options)


def normalize(x: jax.Array, norm: str, train: bool, gain_std: float = 0.02) -> jax.Array:
    """What a network's attribute `norm` asks for, to be called inside `nn.compact`.

    Args:
        x: [B, ..., C].
        norm: "batch", by the mean and variance of the batch, with gamma and beta; "device_batch", the same, but under
            pmap of each device's part of the batch; "instance", each example by its own mean and variance over H and W,
            without parameters (Ulyanov et al. 2016); "affine_instance", with gamma and beta: batch normalization of a
            batch of one, whatever the batch, at test too (pix2pix's); or "none".
        train: whether to take the batch's own statistics, or the running ones.
        gain_std: gamma ~ N(1, gain_std^2) at first; DCGAN's and pix2pix's is 0.02.

    Raises:
        UserError: another `norm`, or a single pixel is an instance, of which nothing would be left.
    """
    scale_init = lambda *args: 1 + nn.initializers.normal(gain_std)(*args)
    if norm == "none":
        return x
    if norm in ("batch", "device_batch"):
        return batch_norm(norm, train, scale_init=scale_init)(x)
    if norm not in ("instance", "affine_instance"):
        raise UserError(f"a network's norm={norm!r} must be one of {', '.join(get_args(Norm))}")
    if math.prod(x.shape[1:-1]) == 1:
        raise UserError(f"a network's norm={norm!r} needs more than one pixel: a larger image, or fewer layers")
    affine = norm == "affine_instance"
    return InstanceNorm(scale_init if affine else None)(x)


class InstanceNorm(nn.Module):
    """Normalizes each example by its own mean and variance, float32, over all places: x [B, ..., C].

    Unlike `nn.InstanceNorm`, it keeps them [B, C] until they meet x. XLA moves broadcasts of [B, 1, 1, C] about, with a
    backward pass in another way than without, and would not see that two turns compute the same fake.

    Attributes:
        scale_init: of gamma [C], with which there is a beta [C] too, from 0; None: without parameters.

    Reference: Ulyanov et al. 2016.
    """

    scale_init: nn.initializers.Initializer | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        wide, places = x.astype(jnp.float32), range(1, x.ndim - 1)
        mean, square = jnp.mean(wide, places), jnp.mean(wide * wide, places)
        factor, offset = lax.rsqrt(jnp.maximum(square - mean * mean, 0.0) + 1e-5), 0.0
        if self.scale_init is not None:
            factor *= self.param("scale", self.scale_init, (x.shape[-1],))
            offset = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        spread = lambda of_instance: jnp.expand_dims(of_instance, places)
        return ((wide - spread(mean)) * spread(factor) + offset).astype(x.dtype)
