"""Terms that compare what the discriminator computes of real and of generated examples."""

from gan_jax import regularizers
from gan_jax.keys import Weight
from gan_jax.terms.term import Term


def feature_matching(weight: Weight = 1.0) -> Term:
    """The squared distance of the means of the discriminator's features, see `regularizers.feature_matching`.

    Args:
        weight: of the generator's term.
    """
    loss = lambda c: regularizers.feature_matching(c.on_real.features, c.on_fake.features)
    return Term("feature_matching", "generator", loss, weight)
