"""The generator's part of the objective, and what SAN adds to the discriminator's."""

import jax.numpy as jnp

from gan_jax.keys import Weight
from gan_jax.terms.term import Term

# What the discriminator learns by, with the game's `loss`.
OBJECTIVE = Term(
    "objective", "discriminator", lambda c: jnp.mean(c.loss.discriminator(c.on_real.logits, c.on_fake.logits))
)


def adversarial(weight: Weight = 1.0) -> Term:
    """What the discriminator thinks of generated examples, by the game's `loss`.

    Args:
        weight: of the generator's loss; the discriminator's has weight 1.
    """
    return Term(
        "adversarial",
        "generator",
        lambda c: jnp.mean(c.loss.generator(c.on_real.logits, c.on_fake.logits)),
        weight,
    )


def san(weight: Weight = 1.0) -> Term:
    """Wasserstein's objective for the direction of the discriminator's last layer, which then has a head of its own.

    All other parameters, the length of that layer's weights too, learn by the game's `loss` alone.

    Args:
        weight: of the term.

    Reference: Takida et al. 2024 (SAN), and its authors' code.
    """
    return Term("san", "discriminator", lambda c: jnp.mean(c.on_fake.along - c.on_real.along), weight)
