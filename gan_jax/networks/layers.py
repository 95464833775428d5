"""Layers that several networks share."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from gan_jax.errors import UserError
from gan_jax.networks import cpu_convolution

DIMENSIONS = ("NHWC", "HWIO", "NHWC")
CONVOLVED = "convolved"

Minibatch = Literal["none", "stddev", "discrimination"]


def kept(x: jax.Array) -> jax.Array:
    """x, marked as the result of a convolution, which is not to be recomputed, see `computing.Computed`."""
    return checkpoint_name(x, CONVOLVED)


# A strided convolution and its transpose, each with a backward pass that is written out in terms of the other. What XLA
# derives instead, the kernel gradient of an input-dilated convolution, its CPU backend runs more than ten times slower:
# in the backward pass of a transposed convolution, and in that of a gradient penalty on a strided one.


Padding = Literal["same", "torch"]  # as the attribute of a network
# "same": as many zeros as make the result ceil(size / stride) pixels wide, an odd one of them at the end;
# "torch": (k - 1) // 2 of them on each side, as PyTorch code for a k x k kernel mostly has it;
# functions also know "valid": none.


def _pads(x: jax.Array, size: tuple[int, int], stride: int, padding: str) -> list[tuple[int, int]]:
    if padding == "same":
        return lax.padtype_to_pads(x.shape[1:3], size, (stride, stride), "SAME")
    return [((k - 1) // 2, (k - 1) // 2) if padding == "torch" else (0, 0) for k in size]


def _convolve(x: jax.Array, kernel: jax.Array, stride: int, padding: str) -> jax.Array:
    pads = _pads(x, kernel.shape[:2], stride, padding)
    if jax.default_backend() == "cpu" and (form := cpu_convolution.form(x.shape, kernel.shape, stride, pads)):
        return form(x, kernel, stride, pads)
    return lax.conv_general_dilated(x, kernel, (stride, stride), pads, dimension_numbers=DIMENSIONS)


def _kernel_gradient(x: jax.Array, kernel: jax.Array, stride: int, padding: str, g: jax.Array) -> jax.Array:
    if jax.default_backend() == "cpu":
        pads = _pads(x, kernel.shape[:2], stride, padding)
        gradient = cpu_convolution.kernel_gradient(x, kernel.shape, stride, pads, g)
        if gradient is not None:
            return gradient
    _, pull_back = jax.vjp(lambda k: _convolve(x, k, stride, padding), kernel)
    return pull_back(g)[0]


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def conv(x: jax.Array, kernel: jax.Array, stride: int, padding: str = "same") -> jax.Array:
    """A convolution. Reverse mode only, of any order.

    Args:
        x: [B, H, W, C].
        kernel: [kh, kw, C, D].
        stride: >= 1.
        padding: "same"; "torch", (k - 1) // 2 zeros on each side; or "valid", none.

    Returns:
        [B, ceil(H / stride), ceil(W / stride), D]; with "torch" and an even k fewer; with "valid" as many as fit.
    """
    return _convolve(x, kernel, stride, padding)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def conv_transpose(
    x: jax.Array, kernel: jax.Array, stride: int, size: tuple[int, int], padding: str = "same"
) -> jax.Array:
    """The exact transpose (adjoint) of `conv` from images of `size` to those of x. Reverse mode only, of any order.

    Every target size whose `conv` has x's size is possible, odd ones too.

    Args:
        x: [B, h, w, C].
        kernel: [kh, kw, D, C].
        stride: >= 1.
        size: (H, W) of the result; with "same", ceil(H / stride) = h and ceil(W / stride) = w.
        padding: of that `conv`.

    Returns:
        [B, H, W, D]
    """
    like_result = jax.ShapeDtypeStruct((x.shape[0], *size, kernel.shape[2]), x.dtype)
    if jax.default_backend() == "cpu" and size[0] == 1:
        pads = _pads(like_result, kernel.shape[:2], stride, padding)
        if (y := cpu_convolution.transposed_over_time(x, kernel, stride, size[1], pads)) is not None:
            return y
    (y,) = jax.linear_transpose(lambda y: _convolve(y, kernel, stride, padding), like_result)(x)
    return y


def _conv_forward(x, kernel, stride, padding):
    return conv(x, kernel, stride, padding), (x, kernel)


def _conv_backward(stride, padding, residuals, g):
    x, kernel = residuals
    back = conv_transpose(g, kernel, stride, x.shape[1:3], padding)
    return back, _kernel_gradient(x, kernel, stride, padding, g)


def _conv_transpose_forward(x, kernel, stride, size, padding):
    return conv_transpose(x, kernel, stride, size, padding), (x, kernel)


def _conv_transpose_backward(stride, size, padding, residuals, g):
    x, kernel = residuals
    return conv(g, kernel, stride, padding), _kernel_gradient(g, kernel, stride, padding, x)


conv.defvjp(_conv_forward, _conv_backward)
conv_transpose.defvjp(_conv_transpose_forward, _conv_transpose_backward)


class Conv(nn.Module):
    """A strided convolution, see `conv`.

    Attributes:
        features: D, channels of the result.
        kernel_size: of the square kernel.
        stride: in both directions.
        use_bias: whether to add a bias per channel.
        kernel_init: of the kernel [k, k, C, D].
        padding: see `conv`.
        convolve: `(x, kernel) -> y` in place of `conv` with that stride and padding.
    """

    features: int
    kernel_size: int = 4
    stride: int = 2
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.normal(0.02)
    padding: Padding = "same"
    convolve: Callable[[jax.Array, jax.Array], jax.Array] | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel_shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        convolve = self.convolve or partial(conv, stride=self.stride, padding=self.padding)
        y = kept(convolve(x, self.param("kernel", self.kernel_init, kernel_shape)))
        if self.use_bias:
            y += self.param("bias", nn.initializers.zeros, (self.features,))
        return y


class ConvTranspose(nn.Module):
    """A transposed convolution to a given size, see `conv_transpose`.

    Attributes:
        features: D, channels of the result.
        size: (H, W) of the result.
        kernel_size: of the square kernel.
        stride: ceil(size / stride) must be the input's size.
        use_bias: whether to add a bias per channel.
        kernel_init: of the kernel [k, k, D, C].
        padding: of the convolution that it transposes, see `conv`.
    """

    features: int
    size: tuple[int, int]
    kernel_size: int = 4
    stride: int = 2
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.normal(0.02)
    padding: Padding = "same"

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel_shape = (self.kernel_size, self.kernel_size, self.features, x.shape[-1])
        kernel = self.param("kernel", self.kernel_init, kernel_shape)
        y = kept(conv_transpose(x, kernel, self.stride, tuple(self.size), self.padding))
        if self.use_bias:
            y += self.param("bias", nn.initializers.zeros, (self.features,))
        return y


def reflect(x: jax.Array, pixels: int) -> jax.Array:
    """x [B, H, W, C] with a border of so many pixels that mirrors it: [B, H + 2 pixels, W + 2 pixels, C].

    Raises:
        UserError: there are not that many pixels to mirror.
    """
    height, width = x.shape[1:3]
    if min(height, width) <= pixels:
        raise UserError(f"{height}x{width} pixels are too few to reflect {pixels} at the border")
    return jnp.pad(x, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect")


def compare(x: jax.Array, minibatch: str, group: int = 0) -> jax.Array:
    """What a network's attribute `minibatch` asks for, to be called inside `nn.compact`: x and, as further features or
    channels, how its examples differ from each other, so that a discriminator notices a generator that repeats itself.

    Under pmap an example is compared with those of its own device only; under jit with the whole batch.

    Args:
        x: [B, F] or [B, H, W, C].
        minibatch: "stddev" (Karras et al. 2018), "discrimination" (Salimans et al. 2016) or "none".
        group: of "stddev", see `minibatch_stddev`.

    Raises:
        UserError: another `minibatch`.
    """
    if minibatch == "none":
        return x
    if minibatch == "stddev":
        return jnp.concatenate([x, minibatch_stddev(x, group)], axis=-1)
    if minibatch == "discrimination":
        near = MinibatchDiscrimination()(x.reshape(x.shape[0], -1))
        near = jnp.broadcast_to(near.reshape(-1, *[1] * (x.ndim - 2), near.shape[-1]), (*x.shape[:-1], near.shape[-1]))
        return jnp.concatenate([x, near], axis=-1)
    raise UserError(f"a network's minibatch={minibatch!r} must be none, stddev or discrimination")


def minibatch_stddev(x: jax.Array, group: int = 0) -> jax.Array:
    """The standard deviation over a group of examples, averaged over all features: [B, ..., 1], the same everywhere.

    Args:
        x: [B, ..., F].
        group: examples in a group, those at every (B / group)-th place; 0: the whole batch. Of a batch that it does not
            divide, their greatest common divisor.

    Reference: Karras et al. 2018 (ProGAN), section 3; groups as in its authors' code.
    """
    group = math.gcd(group or len(x), len(x))
    groups = x.reshape(group, len(x) // group, *x.shape[1:]).astype(jnp.float32)
    deviation = jnp.sqrt(jnp.var(groups, axis=0) + 1e-8)
    deviation = jnp.mean(deviation, axis=tuple(range(1, x.ndim)), keepdims=True)
    deviation = jnp.tile(deviation, (group, *[1] * (x.ndim - 1))).astype(x.dtype)
    return jnp.broadcast_to(deviation, (*x.shape[:-1], 1))


class MinibatchDiscrimination(nn.Module):
    """How near each example [B, A] is to the others by each of some learned measures: [B, kernels].

    o_b(x_i) = sum over j of exp(-|M_ib - M_jb|_1), with M_i = x_i T, T [A, kernels * dimensions]. As in the paper, j
    may be i, which adds 1; the authors' code leaves that out, and normalizes T's weights.

    Attributes:
        kernels: measures, b.
        dimensions: of each.

    Reference: Salimans et al. 2016, section 3.2.
    """

    kernels: int = 100
    dimensions: int = 5

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        m = nn.Dense(self.kernels * self.dimensions, use_bias=False)(x).reshape(-1, self.kernels, self.dimensions)
        distance = jnp.sum(jnp.abs(m[:, None] - m[None]), axis=-1)
        return jnp.sum(jnp.exp(-distance), axis=1)


def batch_norms(network: nn.Module, *args, **kwargs) -> list[str]:
    """The paths of the `nn.BatchNorm` layers that a call of `network` uses (nothing is computed).

    Other layers that couple a batch, such as the standard deviation over it, are not looked for: papers use them with
    gradient penalties on purpose.
    """
    found = []

    def record(next_method, args, kwargs, context):
        if isinstance(context.module, nn.BatchNorm):
            found.append("/".join(context.module.path))
        return next_method(*args, **kwargs)

    with nn.intercept_methods(record):
        jax.eval_shape(partial(network.init, **kwargs), jax.random.key(0), *args)
    return found


def pyramid(shape: Sequence[int], smallest: int = 4) -> list[tuple[int, int]]:
    """The (H, W) of every resolution from the coarsest to the image's own, each half the next, rounded up.

    There are at least two, and no side is halved below `smallest` after that: 28x28 -> 7, 14, 28;
    48x80 -> 6x10, 12x20, 24x40, 48x80.

    Raises:
        UserError: the shape is not (H, W, C).
    """
    if len(shape) != 3:
        raise UserError(
            "a convolutional network needs images, these data are points: set its name to mlp "
            "(--config.networks.generator.name=mlp --config.networks.discriminator.name=mlp)"
        )
    return resolutions(shape[:2], smallest)


def resolutions(sides: Sequence[int], smallest: int, stride: int = 2) -> list[tuple[int, ...]]:
    """The sides of every layer from the coarsest to the last, each the next one's divided by the stride, rounded up.

    There are at least two, and no side is divided to below `smallest` after that.
    """
    found = [tuple(sides)]
    while len(found) == 1 or min(found[0]) >= stride * smallest:
        found.insert(0, tuple(-(-side // stride) for side in found[0]))
    return found


def channels(width: int, max_width: int, level: int) -> int:
    """At the resolution that is `level` halvings below the image's: doubled each time, at most `max_width`."""
    return min(width * 2**level, max_width)
