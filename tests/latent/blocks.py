"""A model whose units are known: 4x4 places, and a pixel at each."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.concepts import Concepts
from gan_jax.game import Game
from gan_jax.latent.model import Model
from gan_jax.latent.spaces import z_space
from gan_jax.modalities import Field, lookup
from gan_jax.noise import per_example

SHAPE, CORNER = (4, 4, 1), (3, 3)


class Units(nn.Module):
    """z [n, 16] to [n, 4, 4, 3]: 1 at the place where z is largest; 1 in the corner, always; z itself."""

    def __call__(self, z):
        z = z.reshape(-1, *SHAPE[:2])
        place = jnp.float32(z == z.max(axis=(1, 2), keepdims=True))
        return jnp.stack([place, jnp.zeros_like(z).at[:, *CORNER].set(1), z], axis=-1)


class Generator(nn.Module):
    """White where the first unit is, gray where the second is."""

    @nn.compact
    def __call__(self, z):
        units = Units(name="units")(z)
        return 2 * jnp.clip(units[..., :1] + 0.5 * units[..., 1:2], 0, 1) - 1


def blocks_model():
    draw = lambda key, index: per_example(jax.random.normal, key, index, (16,))
    decode = lambda variables, z, given, key, index: Generator().apply({}, z)
    image = Field(lookup("image"), SHAPE)
    game = Game(lambda key: {}, (), {}, spaces={"z": z_space(draw, decode, 16)})
    return Model(game, {"image": image}, {"generator": {"params": {}}}, image, ())


def masks(stored):
    """Where it is white, and the corner where that is not."""
    corner = np.zeros(SHAPE[:2], bool)
    corner[CORNER] = True
    white = stored[..., 0] > 200
    return np.stack([white, corner & ~white], axis=-1)


CONCEPTS = Concepts(("white", "corner"), masks, lambda images: jnp.mean(jax.nn.relu(images), axis=(1, 2)) * jnp.ones(2))


def drawn(model, n=400):
    return model.draw(range(n), np.zeros(n, int))
