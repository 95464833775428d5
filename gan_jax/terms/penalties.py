"""Penalties on the discriminator's gradient, one constructor for each formula of `gan_jax.penalties`."""

import inspect
import math
from collections.abc import Iterable
from typing import Annotated, Any

import jax
import jax.numpy as jnp

from gan_jax import penalties
from gan_jax.errors import UserError
from gan_jax.keys import TINY, Positive, Share, Weight
from gan_jax.networks import Network
from gan_jax.networks.layers import batch_norms
from gan_jax.noise import per_example
from gan_jax.schedules import annealed
from gan_jax.terms.term import Term

ARGUMENTS = """Args:
    weight: the paper's gamma or lambda, at first.
    every: rounds; above 1 it is lazy, a turn of its own.
    final: the share of the weight that is left after decay_kimg, along a cosine.
    decay_kimg: in which the weight falls; 0: it is constant.
"""
TARGET = """\
    target: the norm that the gradient is held at; the penalty is divided by its square (Karras et al. 2018).
"""


def _make(name):
    formula = getattr(penalties, name)

    def term(weight, every, final, decay_kimg, target=1.0):
        def loss(c):
            mix = per_example(jax.random.uniform, c.key, c.batch["index"])
            noise = per_example(jax.random.uniform, jax.random.fold_in(c.key, 1), c.batch["index"], c.real.shape[1:])
            critic = lambda examples: c.discriminate(c.augment(examples, 2)).logits
            scaled = critic if target == 1 else lambda examples: critic(examples) / target
            return jnp.mean(formula(scaled, c.real, c.fake, mix, noise))

        if final != 1 and not decay_kimg:
            raise UserError(f"--config.terms.{name}.final needs decay_kimg > 0, the kimg over which the weight falls")
        schedule = lambda kimg: annealed(weight, final, decay_kimg, "cosine", kimg)
        return Term(name, "discriminator", loss, schedule if decay_kimg and weight else weight, every)

    def penalty(weight: Weight = 1.0, every: Positive = 1, final: Share = 1.0, decay_kimg: Weight = 0.0) -> Term:
        return term(weight, every, final, decay_kimg)

    def with_target(
        weight: Weight = 1.0,
        every: Positive = 1,
        final: Share = 1.0,
        decay_kimg: Weight = 0.0,
        target: Annotated[float, (TINY, math.inf)] = 1.0,
    ) -> Term:
        return term(weight, every, final, decay_kimg, target)

    of_a_norm = name in ("gradient_penalty", "one_sided_gradient_penalty", "dragan")
    constructor = with_target if of_a_norm else penalty
    constructor.__name__ = name
    summary = inspect.getdoc(formula).partition("\n")[0].partition(";")[0].removesuffix(".")
    constructor.__doc__ = f"{summary}.\n\n{ARGUMENTS}{TARGET if of_a_norm else ''}"
    return constructor


r1, r2, r1_r2 = _make("r1"), _make("r2"), _make("r1_r2")
r1_finite, r2_finite, r1_r2_finite = _make("r1_finite"), _make("r2_finite"), _make("r1_r2_finite")
gradient_penalty, one_sided_gradient_penalty = _make("gradient_penalty"), _make("one_sided_gradient_penalty")
dragan = _make("dragan")


def reject_batch_norms(terms: Iterable[Term], discriminator: Network, *args: Any) -> None:
    """Raises UserError if there are gradient penalties, but a call of the discriminator normalizes over the batch."""
    penalized = [term.name for term in terms if term.name in penalties.__all__]
    if penalized and (coupled := batch_norms(discriminator, *args)):
        raise UserError(
            f"a gradient penalty needs each example's own gradient, but the discriminator normalizes over the batch "
            f"({', '.join(coupled)}): set --config.networks.discriminator.norm=none or "
            f"--config.terms.{penalized[0]}.weight=0"
        )
