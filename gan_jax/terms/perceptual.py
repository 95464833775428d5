"""What a frozen network sees of generated images and of their targets."""

import jax.numpy as jnp

from gan_jax.keys import Weight
from gan_jax.perceptual import perceptual_distance
from gan_jax.terms.term import Term


def perceptual(weight: Weight = 1.0, features: str = "classifier") -> Term:
    """The difference to a frozen network (Ledig et al. 2017, eq. 5).

    Args:
        weight: of the term.
        features: the network, see `gan_jax.perceptual.open_perceptual`; its weights are a player.
    """

    def loss(c):
        maps = (c.frozen.maps(c.variables["perceptual"], images) for images in (c.fake, c.target))
        return jnp.mean(perceptual_distance(*maps))

    return Term("perceptual", "generator", loss, weight)
