"""Objectives: pairs of per-example losses on logits.

Both losses of a pair are `(real_logits [B], fake_logits [B]) -> [B]`, in nats where they are likelihoods; the caller
averages. A logit is the discriminator's output before any sigmoid, D(x) = sigmoid(logit), so that no logarithm of a
rounded probability is ever taken. A generator that does not look at real images ignores `real_logits` (and XLA then
drops their computation).
"""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

__all__ = [
    "minimax",
    "non_saturating",
    "least_squares",
    "hinge",
    "wasserstein",
    "relativistic",
    "relativistic_average",
]

LogitLoss = Callable[[jax.Array, jax.Array], jax.Array]


class Loss(NamedTuple):
    """An objective for two players.

    Attributes:
        discriminator: what the discriminator (critic) minimizes.
        generator: what the generator minimizes.
        boundary: `(real_logits, fake_logits) -> scalar`: the logit above which the discriminator says "real".
    """

    discriminator: LogitLoss
    generator: LogitLoss
    boundary: LogitLoss


def accuracy(loss: Loss, real_logits: jax.Array, fake_logits: jax.Array) -> dict[str, jax.Array]:
    """The shares of real and of generated examples that the discriminator classifies right; at 1/2 it is in balance.

    Args:
        loss: whose boundary counts.
        real_logits, fake_logits: [B].
    """
    boundary = loss.boundary(real_logits, fake_logits)
    return {"real_accuracy": jnp.mean(real_logits > boundary), "fake_accuracy": jnp.mean(fake_logits < boundary)}


def _on_logits(loss: LogitLoss) -> LogitLoss:
    def checked(real_logits, fake_logits):
        chex.assert_rank([real_logits, fake_logits], 1)
        chex.assert_equal_shape([real_logits, fake_logits])
        return loss(real_logits.astype(jnp.float32), fake_logits.astype(jnp.float32))

    return checked


def _pair(discriminator: LogitLoss, generator: LogitLoss, boundary: LogitLoss = lambda real, fake: 0.0) -> Loss:
    return Loss(_on_logits(discriminator), _on_logits(generator), boundary)


def _cross_entropy(real, fake):
    return jax.nn.softplus(-real) + jax.nn.softplus(fake)


def _halfway(real, fake):
    """The boundary of a critic that is free up to a constant: between what it says of real and of fake."""
    return (jnp.mean(real) + jnp.mean(fake)) / 2


minimax = _pair(_cross_entropy, lambda real, fake: -jax.nn.softplus(fake))
"""The original game: D maximizes log D(x) + log(1 - D(G(z))), G minimizes log(1 - D(G(z))), whose gradient vanishes
where D is confident. Reference: Goodfellow et al. 2014, eq. 1."""

non_saturating = _pair(_cross_entropy, lambda real, fake: jax.nn.softplus(-fake))
"""The same D; G minimizes -log D(G(z)). Reference: Goodfellow et al. 2014, section 3."""

least_squares = _pair(
    lambda real, fake: 0.5 * (real - 1) ** 2 + 0.5 * fake**2,
    lambda real, fake: 0.5 * (fake - 1) ** 2,
    boundary=lambda real, fake: 0.5,
)
"""LSGAN with targets a = 0, b = c = 1. Reference: Mao et al. 2017, eq. 9."""

hinge = _pair(
    lambda real, fake: jax.nn.relu(1 - real) + jax.nn.relu(1 + fake),
    lambda real, fake: -fake,
)
"""Reference: Lim and Ye 2017; Miyato et al. 2018, eqs. 16-17."""

wasserstein = _pair(
    lambda real, fake: fake - real,
    lambda real, fake: -fake,
    boundary=_halfway,
)
"""The critic's difference estimates the Wasserstein-1 distance; it must be kept Lipschitz by a penalty, clipping or
normalization. Reference: Arjovsky et al. 2017, eq. 2."""

relativistic = _pair(
    lambda real, fake: jax.nn.softplus(fake - real),
    lambda real, fake: jax.nn.softplus(real - fake),
    boundary=_halfway,
)
"""RpGAN: D says of each pair which one is real; G wants the opposite. No mode can be given up without losing its pairs.
Reference: Jolicoeur-Martineau 2019, eqs. 7-8; Sun et al. 2020; Huang et al. 2024 (R3GAN), eq. 2."""


def _against_average(real, fake):
    return jax.nn.softplus(jnp.mean(fake) - real) + jax.nn.softplus(fake - jnp.mean(real))


relativistic_average = _pair(
    _against_average,
    lambda real, fake: _against_average(fake, real),
    boundary=_halfway,
)
"""RaGAN: D says whether an example is more real than the average of the other sort. The averages couple the batch (of
one device, under pmap). Reference: Jolicoeur-Martineau 2019, eqs. 11-12."""
