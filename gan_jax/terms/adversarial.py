"""The generator's part of the objective."""

import jax.numpy as jnp

from gan_jax.keys import Weight
from gan_jax.terms.term import Term


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
