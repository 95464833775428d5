"""Terms with a memory that hold the discriminator's logits in bounds."""

from typing import Annotated

import jax
import jax.numpy as jnp

from gan_jax import regularizers
from gan_jax.keys import TINY, Weight
from gan_jax.terms.term import Term


def lecam(weight: Weight = 0.3, decay: Annotated[float, (0, 1 - TINY)] = 0.99) -> Term:
    """Logits near moving averages of those of the other sort, see `regularizers.lecam`.

    Args:
        weight: of the term.
        decay: of the moving averages, a turn.
    """

    def loss(c):
        anchors, real, fake = c.own["lecam"], c.on_real.logits, c.on_fake.logits
        distance = regularizers.lecam(real, fake, anchors["real"], anchors["fake"])
        now = {"real": jnp.mean(real), "fake": jnp.mean(fake)}
        moved = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, anchors, now)
        return jnp.mean(distance), {"lecam": moved}

    memory = {"lecam": {"real": jnp.zeros(()), "fake": jnp.zeros(())}}
    return Term("lecam", "discriminator", loss, weight, memory=memory)
