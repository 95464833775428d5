"""Terms of the discriminator's further heads: an auxiliary classifier, and what is read of latent codes."""

import jax.numpy as jnp

from gan_jax import regularizers
from gan_jax.keys import Weight
from gan_jax.terms.term import Term


def classes(discriminator: Weight = 1.0, generator: Weight = 1.0) -> tuple[Term, Term]:
    """The cross-entropy of the auxiliary classifier; the discriminator needs conditioning="auxiliary".

    Args:
        discriminator: weight in its loss, where real and generated examples are classified.
        generator: weight in its loss.

    Reference: Odena et al. 2017 (AC-GAN), eqs. 3 and 4.
    """

    def of_both(c):
        wrong = (regularizers.cross_entropy(output.classes, c.condition) for output in (c.on_real, c.on_fake))
        return jnp.mean(sum(wrong))

    of_fake = lambda c: jnp.mean(regularizers.cross_entropy(c.on_fake.classes, c.condition))
    return (
        Term("classes", "discriminator", of_both, discriminator),
        Term("classes", "generator", of_fake, generator),
    )


def codes(weight: Weight = 1.0) -> tuple[Term, Term]:
    """Minus the information on the latent codes (config.codes) that the discriminator's head reads of fakes.

    Args:
        weight: lambda, in both losses.

    Reference: Chen et al. 2016 (InfoGAN), eq. 6.
    """

    def loss(c):
        read = c.on_fake.codes
        return jnp.mean(regularizers.code_information(read, c.z[:, -read.shape[-1] :], c.categories))

    return Term("codes", "discriminator", loss, weight), Term("codes", "generator", loss, weight)
