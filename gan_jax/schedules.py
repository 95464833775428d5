"""Schedules: pure functions of the images seen, not of updates."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Schedule = Callable[[jax.Array], jax.Array]  # of the rounds played

SHAPES = {"constant": lambda t: 1.0, "linear": lambda t: 1 - t, "cosine": lambda t: (1 + jnp.cos(jnp.pi * t)) / 2}


def annealed(start: float, final: float, kimg: float, shape: str, seen_kimg: jax.Array) -> jax.Array:
    """A value that goes from `start` to `final * start` while `kimg` are seen, and stays there.

    Args:
        start: the value at first.
        final: share of it, >= 0.
        kimg: how long; 0: it is at its end at once.
        shape: "constant", "linear" or "cosine".
        seen_kimg: kimg seen so far.
    """
    progress = jnp.clip(seen_kimg / kimg, 0, 1) if kimg else 1.0
    return start * (final + (1 - final) * SHAPES[shape](progress))


def ema_decay(half_life_kimg: float, ramp_up: float, images_per_round: int) -> Schedule:
    """The share of the average that a round keeps, given a half-life in images.

    Args:
        half_life_kimg: kimg after which an old value counts half; 0 keeps no average but the newest parameters.
        ramp_up: the half-life is at most this share of the images seen so far, so that the start is soon forgotten.
        images_per_round: real images that the discriminator sees a round.

    Reference: Karras et al. 2020 (StyleGAN2-ADA), training loop, which does not count the images of the running round.
    """

    def decay(step):
        seen = (jnp.float32(step) + 1) * images_per_round
        half_life = jnp.minimum(half_life_kimg * 1000, seen * ramp_up)
        return 0.5 ** (images_per_round / jnp.maximum(half_life, 1e-8))

    return decay
