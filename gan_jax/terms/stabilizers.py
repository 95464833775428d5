"""Terms that hold the discriminator's logits in bounds."""

from typing import Annotated

import jax
import jax.numpy as jnp

from gan_jax import regularizers
from gan_jax.keys import SIZES, TINY, Weight
from gan_jax.terms.term import Term


def drift(weight: Weight = 0.001) -> Term:
    """The squared logits of real images, which a Wasserstein loss lets drift away.

    Args:
        weight: epsilon_drift.

    Reference: Karras et al. 2018 (ProGAN), appendix A.1.
    """
    return Term("drift", "discriminator", lambda c: jnp.mean(c.on_real.logits**2), weight)


def lecam(
    weight: Weight = 0.3, decay: Annotated[float, (0, 1 - TINY)] = 0.99, start: Annotated[int, (0, SIZES)] = 1000
) -> Term:
    """Logits near moving averages of those of the other sort, see `regularizers.lecam`.

    Args:
        weight: of the term.
        decay: of the moving averages, a turn; 0.9 in the authors' code of BigGAN, 0.99 in that of StyleGAN2.
        start: the last round in which it is not added; before that one the averages are those of the last batch.

    Reference: the authors' code of BigGAN, and StudioGAN, whose settings are the default.
    """

    def loss(c):
        real, fake, step = c.on_real.logits, c.on_fake.logits, c.batch["step"]
        now = jax.lax.stop_gradient({"real": jnp.mean(real), "fake": jnp.mean(fake)})
        kept = jnp.where(step < start, 0.0, decay)
        anchors = jax.tree.map(lambda old, new: kept * old + (1 - kept) * new, c.own["lecam"], now)
        distance = jnp.mean(regularizers.lecam(real, fake, anchors["real"], anchors["fake"]))
        return jnp.where(step > start, distance, 0.0), {"lecam": anchors}

    memory = {"lecam": {"real": jnp.zeros(()), "fake": jnp.zeros(())}}
    return Term("lecam", "discriminator", loss, weight, memory=memory)
