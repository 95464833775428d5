"""Optimizers and schedules, from config to optax. Schedules are pure functions of the images seen, not of updates."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from gan_jax.errors import UserError
from gan_jax.game import Game
from gan_jax.regularisers import orthogonality

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


def learning_rate(config, *, images_per_round: int, correction: float = 1.0) -> Schedule:
    """The learning rate as a function of rounds: constant, or, after `hold_kimg`, falling over `decay_kimg`.

    Args:
        config: learning_rate, decay ("constant" | "linear" | "cosine"), decay_kimg, hold_kimg, final (share of the
            start, [0, 1]).
        images_per_round: real images that the discriminator sees.
        correction: a factor, see `lazy_correction`.

    Returns:
        rounds played -> learning rate.

    Raises:
        UserError: unknown decay, or none of its length given.
    """
    if config.decay not in SHAPES:
        raise UserError(f"learning-rate decay {config.decay!r} is none of {', '.join(SHAPES)}")
    if config.decay != "constant" and config.decay_kimg <= 0:
        raise UserError(f"a {config.decay} learning-rate decay needs decay_kimg > 0, the kimg over which it falls")

    def rate(step):
        seen = jnp.maximum(jnp.float32(step) * (images_per_round / 1000) - config.hold_kimg, 0)
        return annealed(correction * config.learning_rate, config.final, config.decay_kimg, config.decay, seen)

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
    """The optimizer of one player.

    Args:
        config: name ("adam" | "rmsprop"), b1, b2, eps, clip_norm (global norm of the gradient; 0: no clipping),
            clip_weights (0: no clipping), orthogonal (weight of the regulariser).
        rate: see `learning_rate`.
        correction: of the betas, see `lazy_correction`.

    Raises:
        UserError: unknown name.
    """
    if config.name not in ("adam", "rmsprop"):
        raise UserError(f"optimizer {config.name!r} is neither adam nor rmsprop")
    b1, b2 = config.b1**correction, config.b2**correction
    adam = optax.scale_by_adam(b1, b2, config.eps)
    rms = optax.scale_by_rms(b2, config.eps, eps_in_sqrt=False)  # as the authors of WGAN had it
    parts = [
        orthogonalise(config.orthogonal) if config.orthogonal else None,
        optax.clip_by_global_norm(config.clip_norm) if config.clip_norm else None,
        adam if config.name == "adam" else rms,
        scale_by_round(rate),
        clip_weights(config.clip_weights) if config.clip_weights else None,
    ]
    return optax.chain(*(part for part in parts if part is not None))


def clip_weights(limit: float) -> optax.GradientTransformation:
    """The last transform of a chain: no parameter leaves [-limit, limit].

    Reference: Arjovsky et al. 2017, algorithm 1.
    """

    def update(updates, params):
        return jax.tree.map(lambda u, p: jnp.clip(p + u, -limit, limit) - p, updates, params)

    return optax.stateless(update)


def orthogonalise(beta: float) -> optax.GradientTransformation:
    """Adds the gradient of beta * `regularisers.orthogonality` of every kernel.

    Reference: Brock et al. 2019 (BigGAN), section 3.1.
    """

    def update(updates, params):
        def add(path, update, param):
            if param.ndim < 2 or path[-1].key != "kernel":
                return update
            return update + beta * jax.grad(orthogonality)(param)

        return jax.tree_util.tree_map_with_path(add, updates, params)

    return optax.stateless(update)
