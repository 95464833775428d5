"""The forms that a CPU runs faster are the convolution, forward and in gradients of first and second order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drawn import normal
from jax import lax

from gan_jax.networks import cpu_convolution, layers
from gan_jax.networks.cpu_convolution import as_product, by_taps, by_tiles
from gan_jax.networks.layers import DIMENSIONS, conv, conv_transpose


def plain(x, kernel, stride):
    return lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=DIMENSIONS)


def same(size, kernel_size, stride):
    return lax.padtype_to_pads(size, (kernel_size, kernel_size), (stride, stride), "SAME")


FORMS = [
    *((as_product, kernel, stride, size) for kernel, stride in ((4, 2), (3, 1), (5, 3)) for size in ((6, 9), (2, 1))),
    *((by_taps, kernel, 1, size) for kernel in (4, 3) for size in ((6, 9), (2, 1))),
    *((by_tiles, 4, 2, size) for size in ((8, 12), (14, 6), (2, 2), (4, 10))),
]


@pytest.mark.parametrize("form, kernel_size, stride, size", FORMS)
def test_each_form_is_the_convolution(form, kernel_size, stride, size):
    x, kernel = normal(2, *size, 3), normal(kernel_size, kernel_size, 3, 4, seed=1)
    padding = same(size, kernel_size, stride)
    np.testing.assert_allclose(form(x, kernel, stride, padding), plain(x, kernel, stride), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("form, kernel_size, stride", [(as_product, 4, 1), (as_product, 3, 2), (by_taps, 4, 1)])
def test_forms_with_a_zero_on_each_side(form, kernel_size, stride):
    x, kernel, padding = normal(2, 6, 9, 3), normal(kernel_size, kernel_size, 3, 4, seed=1), [(1, 1), (1, 1)]
    expected = lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=DIMENSIONS)
    np.testing.assert_allclose(form(x, kernel, stride, padding), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("form, stride", [(as_product, 2), (by_taps, 1), (by_tiles, 2)])
@pytest.mark.parametrize("transpose", [False, True])
def test_the_layers_are_the_same_in_each_form(monkeypatch, form, stride, transpose):
    """Values, gradients, and gradients of gradients' norms."""
    kernel = normal(4, 4, 3, 4, seed=1)
    x = normal(2, 6 // stride, 8 // stride, 4) if transpose else normal(2, 6, 8, 3)
    layer = (lambda x, k: conv_transpose(x, k, stride, (6, 8))) if transpose else (lambda x, k: conv(x, k, stride))
    value = lambda x, k: jnp.sum(jnp.tanh(layer(x, k)))
    slope = lambda x, k: sum(jnp.sum(part**2) for part in jax.grad(value, (0, 1))(x, k))

    def orders(chosen):
        monkeypatch.setattr(cpu_convolution, "form", lambda *shapes: chosen)
        return jax.jit(lambda *xk: (layer(*xk), *jax.grad(value, (0, 1))(*xk), *jax.grad(slope, (0, 1))(*xk)))(
            x, kernel
        )

    for ours, theirs in zip(orders(form), orders(None), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(jnp.max(jnp.abs(theirs))))


def test_which_form_is_chosen():
    def choose(*shape, kernel=(4, 4, 64, 64), stride=2):
        return cpu_convolution.form(shape, kernel, stride, same(shape[1:3], kernel[0], stride))

    assert choose(1, 16, 16, 64) is as_product and choose(2, 16, 16, 64) is by_tiles
    assert choose(64, 28, 28, 64, kernel=(4, 4, 64, 32)) is None  # few channels
    assert choose(64, 28, 27, 64) is None and choose(64, 28, 28, 64, kernel=(3, 3, 64, 64)) is None
    assert choose(64, 28, 28, 64, stride=1) is None
    few = lambda channels, stride=1: choose(64, 28, 28, channels, kernel=(4, 4, channels, 2), stride=stride)
    assert few(32) is by_taps and few(31) is None and few(32, stride=2) is None
    assert choose(64, 14, 14, 64) is None  # 7x7 has no 2x2 tiles


def test_accelerators_have_their_own(monkeypatch):
    shapes = jax.ShapeDtypeStruct((1, 8, 8, 64), jnp.float32), jax.ShapeDtypeStruct((4, 4, 64, 64), jnp.float32)
    count = lambda: str(jax.make_jaxpr(lambda x, k: layers._convolve(x, k, 2, "same"))(*shapes)).count(
        "conv_general_dilated["
    )
    assert count() == 0
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert count() == 1


@pytest.mark.parametrize("stride, padding, size, batch", [
    (1, "same", (40, 30), 3), (1, "same", (6, 5), 6), (2, "same", (9, 8), 4), (1, "valid", (8, 7), 2),
    (2, "valid", (9, 7), 4),
])  # fmt: skip
def test_the_kernel_gradient_of_a_3x3_kernel(monkeypatch, stride, padding, size, batch):
    """Examples one after the other, or some at a time; and its own gradients, in x and in what is pulled back."""
    x, shape = normal(batch, *size, 16), (3, 3, 16, 17)
    g = normal(*jax.eval_shape(lambda x, k: conv(x, k, stride, padding), x, jnp.zeros(shape)).shape)

    def orders():
        gradient = lambda x, g: layers._kernel_gradient(x, jnp.zeros(shape), stride, padding, g)
        slope = lambda x, g: jnp.sum(gradient(x, g) ** 3)
        return jax.jit(lambda x, g: (gradient(x, g), *jax.grad(slope, (0, 1))(x, g)))(x, g)

    ours = orders()
    monkeypatch.setattr(cpu_convolution, "kernel_gradient", lambda *args: None)
    for a, b in zip(ours, orders(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * np.abs(b).max())


def test_few_channels_and_other_kernels_have_xlas_kernel_gradient():
    for shape in ((3, 3, 8, 32), (4, 4, 32, 32)):
        x = normal(1, 8, 8, shape[2])
        assert cpu_convolution.kernel_gradient(x, shape, 1, [(1, 1)] * 2, normal(1, 8, 8, shape[3])) is None
