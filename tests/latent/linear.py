"""A model whose generator is linear, so that what tools find has a closed form."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from drawn import normal

from gan_jax.game import Game
from gan_jax.latent.model import Model
from gan_jax.latent.spaces import w_space, z_space
from gan_jax.modalities import Field, lookup
from gan_jax.noise import per_example

SIZE, SHAPE = 3, (2, 3, 1)
STRETCH = np.array([3.0, 1.0, 0.5])


class Linear(nn.Module):
    """w [n, 3], or of each of two layers [n, 2, 3], to pixels [n, 6]: a layer makes a row of three."""

    @nn.compact
    def __call__(self, w):
        first, second = (w, w) if w.ndim == 2 else (w[:, 0], w[:, 1])
        rows = [nn.Dense(3, use_bias=False, name=name)(x) for name, x in (("first", first), ("second", second))]
        return jnp.concatenate(rows, axis=1)


def linear_model(classes=()):
    """Images [n, 2, 3, 1] of z, N(0, I), or of w, which is z stretched; and an offset of each class."""
    kernels = 0.05 * normal(2, SIZE, 3)
    params = {"first": {"kernel": kernels[0]}, "second": {"kernel": kernels[1]}}
    offsets = 0.4 * normal(2, 6, seed=1)

    def draw(key, index):
        return per_example(jax.random.normal, key, index, (SIZE,))

    def decode(variables, w, given, key, index):
        pixels = Linear().apply(variables["generator"], w)
        return (pixels + offsets[given["label"]] if classes else pixels).reshape(-1, *SHAPE)

    image = Field(lookup("image"), SHAPE)
    fields = {"image": image, "label": Field(lookup("label"), (), classes)}
    stretched = lambda variables, key, index, given: draw(key, index) * STRETCH
    zero = lambda variables, n, given: jnp.zeros((n, SIZE))
    spaces = {"w": w_space(stretched, decode, zero, 2), "z": z_space(draw, decode, SIZE)}
    game = Game(lambda key: {}, (), {}, spaces=spaces)
    return Model(game, fields, {"generator": {"params": params}}, image, classes)


def matrix_of(model):
    """[3, 6]"""
    params = model.variables["generator"]["params"]
    return np.concatenate([params[name]["kernel"] for name in ("first", "second")], axis=1, dtype=np.float64)
