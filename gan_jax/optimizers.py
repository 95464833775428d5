"""Optimizers and schedules, from config to optax. Schedules are pure functions of the images seen, not of updates."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from gan_jax.errors import UserError
from gan_jax.game import Game

Schedule = Callable[[jax.Array], jax.Array]  # of the rounds played


def learning_rate(config, *, images_per_round: int, correction: float = 1.0) -> Schedule:
    """The learning rate as a function of rounds: constant, or from its value to `final` of it over `decay_kimg`.

    Args:
        config: learning_rate, decay ("constant" | "linear" | "cosine"), decay_kimg, final (share of the start, [0, 1]).
        images_per_round: real images that the discriminator sees.
        correction: a factor, see `lazy_correction`.

    Returns:
        rounds played -> learning rate.

    Raises:
        UserError: unknown decay, or none of its length given.
    """
    shapes = {"constant": lambda t: 1.0, "linear": lambda t: 1 - t, "cosine": lambda t: (1 + jnp.cos(jnp.pi * t)) / 2}
    if config.decay not in shapes:
        raise UserError(f"learning-rate decay {config.decay!r} is none of {', '.join(shapes)}")
    if config.decay != "constant" and config.decay_kimg <= 0:
        raise UserError(f"a {config.decay} learning-rate decay needs decay_kimg > 0, the kimg over which it falls")

    def rate(step):
        kimg = jnp.float32(step) * (images_per_round / 1000)
        progress = jnp.clip(kimg / max(config.decay_kimg, 1e-9), 0, 1)
        return correction * config.learning_rate * (config.final + (1 - config.final) * shapes[config.decay](progress))

    return rate


def ema_decay(half_life_kimg: float, ramp_up: float, images_per_round: int) -> Schedule:
    """The share of the average that a round keeps, given a half-life in images.

    Args:
        half_life_kimg: kimg after which an old value counts half; 0 keeps no average but the newest parameters.
        ramp_up: the half-life is at most this share of the images seen so far, so that the start is soon forgotten.
        images_per_round: real images that the discriminator sees a round.

    Reference: Karras et al. 2020 (StyleGAN2-ADA), training loop.
    """

    def decay(step):
        seen = (jnp.float32(step) + 1) * images_per_round
        half_life = jnp.minimum(half_life_kimg * 1000, seen * ramp_up)
        return 0.5 ** (images_per_round / jnp.maximum(half_life, 1e-8))

    return decay


def lazy_correction(game: Game, player: str) -> float:
    """c = k / (k + 1) for a player that moves every round and has a lazy turn every k rounds; else 1.

    Reference: Karras et al. 2020 (StyleGAN2), appendix B: learning rate c * lr, betas beta^c.
    """
    turns = [turn for turn in game.turns if turn.player == player]
    every_round = sum(t.repeat for t in turns if t.every == 1)
    return every_round / sum(t.repeat / t.every for t in turns) if every_round else 1.0


def scale_by_round(rate: Schedule) -> optax.GradientTransformationExtraArgs:
    """Multiplies by -rate(step), where `step` counts rounds and comes from the caller, not from a count of updates."""

    def update(updates, state, params=None, *, step, **extra):
        del params, extra
        return jax.tree.map(lambda u: -rate(step) * u, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def make_optimizer(config, rate: Schedule, *, correction: float = 1.0) -> optax.GradientTransformationExtraArgs:
    """Adam of one player.

    Args:
        config: b1, b2, eps, clip_norm (global norm of the gradient; 0: no clipping).
        rate: see `learning_rate`.
        correction: of the betas, see `lazy_correction`.
    """
    return optax.chain(
        optax.clip_by_global_norm(config.clip_norm) if config.clip_norm else optax.identity(),
        optax.scale_by_adam(config.b1**correction, config.b2**correction, config.eps),
        scale_by_round(rate),
    )
