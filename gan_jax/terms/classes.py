"""Terms of the discriminator's further heads: an auxiliary classifier, and what is read of latent codes."""

import jax.numpy as jnp

from gan_jax import regularizers
from gan_jax.keys import Weight
from gan_jax.terms.term import Term


def classes(discriminator: Weight = 1.0, generator: Weight = 1.0) -> tuple[Term, Term]:
    """The cross-entropy of the auxiliary classifier; the discriminator needs conditioning="auxiliary".

    Args:
        discriminator: weight in its loss, where real examples are classified.
        generator: weight in its loss, where generated ones are.

    Reference: Gulrajani et al. 2017, the authors' code; Odena et al. 2017 (AC-GAN) add `fake_classes`.
    """
    return (
        Term("classes", "discriminator", lambda c: _wrong(c.on_real, c), discriminator),
        Term("classes", "generator", lambda c: _wrong(c.on_fake, c), generator),
    )


def fake_classes(weight: Weight = 1.0) -> Term:
    """The cross-entropy of the auxiliary classifier on generated examples, in the discriminator's loss too.

    Args:
        weight: of the term.

    Reference: Odena et al. 2017 (AC-GAN), eq. 3, of which it is the second half.
    """
    return Term("fake_classes", "discriminator", lambda c: _wrong(c.on_fake, c), weight)


def _wrong(output, c):
    return jnp.mean(regularizers.cross_entropy(output.classes, c.condition))


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
