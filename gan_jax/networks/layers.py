"""Layers that several networks share."""

from collections.abc import Sequence
from functools import partial

import flax.linen as nn
import jax
from jax import lax

from gan_jax.errors import UserError

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def _strided_conv(y: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return lax.conv_general_dilated(y, kernel, (stride, stride), "SAME", dimension_numbers=DIMENSIONS)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def conv_transpose(x: jax.Array, kernel: jax.Array, stride: int, size: tuple[int, int]) -> jax.Array:
    """The exact transpose (adjoint) of the SAME convolution with `stride` that maps images of `size` to those of x.

    Every target size with ceil(size / stride) = x's size is possible, odd ones too. The backward pass is written out
    as that convolution's own forward pass and kernel gradient: XLA would derive the kernel gradient of an
    input-dilated convolution, which its CPU backend runs more than ten times slower. Reverse mode only, of any order.

    Args:
        x: [B, h, w, C].
        kernel: [kh, kw, D, C].
        stride: >= 1.
        size: (H, W) of the result, with ceil(H / stride) = h and ceil(W / stride) = w.

    Returns:
        [B, H, W, D]
    """
    like_result = jax.ShapeDtypeStruct((x.shape[0], *size, kernel.shape[2]), x.dtype)
    (y,) = jax.linear_transpose(lambda y: _strided_conv(y, kernel, stride), like_result)(x)
    return y


def _conv_transpose_forward(x, kernel, stride, size):
    return conv_transpose(x, kernel, stride, size), (x, kernel)


def _conv_transpose_backward(stride, size, residuals, g):
    x, kernel = residuals
    x_gradient, pull_back = jax.vjp(lambda k: _strided_conv(g, k, stride), kernel)
    return x_gradient, *pull_back(x)


conv_transpose.defvjp(_conv_transpose_forward, _conv_transpose_backward)


class ConvTranspose(nn.Module):
    """Transposed convolution to a given size, see `conv_transpose`.

    Attributes:
        features: D, channels of the result.
        size: (H, W) of the result.
        kernel_size: of the square kernel.
        stride: ceil(size / stride) must be the input's size.
        use_bias: whether to add a bias per channel.
        kernel_init: of the kernel [k, k, D, C].
    """

    features: int
    size: tuple[int, int]
    kernel_size: int = 4
    stride: int = 2
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.normal(0.02)

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel_shape = (self.kernel_size, self.kernel_size, self.features, x.shape[-1])
        y = conv_transpose(x, self.param("kernel", self.kernel_init, kernel_shape), self.stride, tuple(self.size))
        if self.use_bias:
            y += self.param("bias", nn.initializers.zeros, (self.features,))
        return y


def normalise(x: jax.Array, norm: str, train: bool) -> jax.Array:
    """What a network's attribute `norm` asks for, to be called inside `nn.compact`.

    Args:
        x: [B, ..., C].
        norm: "batch" (DCGAN's, gamma ~ N(1, 0.02)) or "none".
        train: whether with the batch's own statistics, or with the running ones.

    Raises:
        UserError: another `norm`.
    """
    if norm == "none":
        return x
    if norm != "batch":
        raise UserError(f"a network's norm={norm!r} must be 'batch' or 'none'")
    scale_init = lambda *args: 1 + nn.initializers.normal(0.02)(*args)
    return nn.BatchNorm(use_running_average=not train, momentum=0.9, scale_init=scale_init)(x)


def batch_norms(network: nn.Module, *args, **kwargs) -> list[str]:
    """The paths of the `nn.BatchNorm` layers that a call of `network` passes through (nothing is computed).

    Other layers that couple a batch, such as the standard deviation over it, are not looked for: papers use them with
    gradient penalties on purpose.
    """
    found = []

    def look(next_method, args, kwargs, context):
        if isinstance(context.module, nn.BatchNorm):
            found.append("/".join(context.module.path))
        return next_method(*args, **kwargs)

    with nn.intercept_methods(look):
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
        raise UserError("a convolutional network needs images, these data are points: set its name to mlp")
    sizes = [tuple(shape[:2])]
    while len(sizes) == 1 or min(sizes[0]) >= 2 * smallest:
        sizes.insert(0, tuple(-(-side // 2) for side in sizes[0]))
    return sizes
