"""What a frozen network sees of generated images and of their targets."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.keys import Weight
from gan_jax.perceptual import Perceptual, open_perceptual, perceptual_distance
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


def frozen_network(config: Any, terms: Iterable[Term], channels: int) -> tuple[Perceptual | None, dict]:
    """The network of the term, if it is one of `terms`, and its player: {"perceptual": variables}; else (None, {}).

    Args:
        config: its `terms.perceptual.features` names the network.
        terms: of the game.
        channels: C of the images that it sees.

    Raises:
        UserError: there is no such network, or it does not fit the images.
    """
    if all(term.name != "perceptual" for term in terms):
        return None, {}
    frozen = open_perceptual(config.terms.perceptual.features, channels)
    return frozen, {"perceptual": jax.tree.map(jnp.asarray, frozen.params)}
