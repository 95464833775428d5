"""Latent spaces, and what is done in any of them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.game import Space
from gan_jax.latent.paths import lerp, slerp


def z_space(draw: Callable, decode: Callable, size: int, layers: int = 1, encode: Callable | None = None) -> Space:
    """The space of a prior around 0.

    Args:
        draw: `(key, index) -> z [n, size]`.
        decode: `(variables, z, given, key, index) -> examples`.
        size: of z.
        layers: equal parts of z, of which each is for other layers of the generator (BigGAN).
        encode: see `Space`.
    """
    return Space(
        lambda variables, key, index, given: draw(key, index),
        lambda variables, z, given, key, index: decode(variables, z.reshape(len(z), -1), given, key, index),
        lambda variables, n, given: jnp.zeros((n, size)),
        slerp,
        lambda z: z.reshape(len(z), layers, -1),
        prior=True,
        encode=encode,
    )


def w_space(draw: Callable, decode: Callable, mean: Callable, layers: int) -> Space:
    """The space of a mapping network's results, w, of which each layer gets all.

    Args:
        draw, decode, mean: see `Space`.
        layers: L.
    """
    return Space(draw, decode, mean, lerp, lambda w: jnp.repeat(w[:, None], layers, axis=1))


def truncate(latents: jax.Array, mean: jax.Array, psi: jax.Array, cutoff: jax.Array) -> jax.Array:
    """Latents nearer to the mean: less variety, fewer failures.

    Args:
        latents, mean: [n, L, f], by layer.
        psi: 1 changes nothing, 0 gives the mean, between is the usual, below is beyond it.
        cutoff: of how many layers, from the coarsest on.

    Reference: Karras et al. 2019 (StyleGAN), appendix B. BigGAN's truncation draws latents that are too large again.
    """
    psi = jnp.where(jnp.arange(latents.shape[1]) < cutoff, psi, 1.0)[:, None]
    return mean + psi * (latents - mean)
