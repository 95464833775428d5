"""A model whose generator is linear, so that what tools find has a closed form."""

import jax
import jax.numpy as jnp
from drawn import normal

from gan_jax.game import Game
from gan_jax.latent.model import Model
from gan_jax.latent.spaces import w_space, z_space
from gan_jax.modalities import Field, lookup
from gan_jax.noise import per_example

SIZE, SHAPE = 3, (2, 3, 1)


def linear_model(classes=()):
    """z [n, 3] to images [n, 2, 3, 1]: z A, and an offset of each class. w is z, of two layers,
    of which each makes a row."""
    matrix, offsets = 0.1 * normal(SIZE, 6), 0.4 * normal(2, 6, seed=1)
    first_layer = jnp.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])  # whose pixels these are

    def draw(key, index):
        return per_example(jax.random.normal, key, index, (SIZE,))

    def decode(variables, z, given, key, index):
        flat = z @ variables["generator"]["params"]["matrix"]
        if z.ndim == 3:
            flat = first_layer * flat[:, 0] + (1 - first_layer) * flat[:, 1]
        if classes:
            flat += offsets[given["label"]]
        return flat.reshape(-1, *SHAPE)

    image = Field(lookup("image"), SHAPE)
    fields = {"image": image, "label": Field(lookup("label"), (), classes)}
    spaces = {
        "w": w_space(
            lambda variables, key, index, given: draw(key, index), decode, lambda v, n, g: jnp.zeros((n, 3)), 2
        ),
        "z": z_space(draw, decode, SIZE),
    }
    game = Game(lambda key: {}, (), {}, spaces=spaces)
    return Model(game, fields, {"generator": {"params": {"matrix": jnp.asarray(matrix)}}}, image, classes)
