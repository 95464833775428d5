"""Terms of losses, constructors in files named after what they are about; a constructor's signature is its keys.

What the terms here see of a turn, its context, is described by `gan_jax.games.adversarial.Context`; those of
translation games have what they need of it.
"""

from gan_jax.terms.adversarial import adversarial, san
from gan_jax.terms.classes import classes, codes, fake_classes
from gan_jax.terms.consistency import diversity, fake_consistency, latent_consistency, real_consistency
from gan_jax.terms.matching import feature_matching
from gan_jax.terms.path_length import path_length
from gan_jax.terms.penalties import (
    dragan,
    gradient_penalty,
    one_sided_gradient_penalty,
    r1,
    r1_finite,
    r1_r2,
    r1_r2_finite,
    r2,
    r2_finite,
)
from gan_jax.terms.stabilizers import drift, lecam
from gan_jax.terms.term import Term, keys, make_terms, memory_of, split, total

__all__ = [
    "Term", "keys", "make_terms", "memory_of", "split", "total",
    "adversarial", "san", "r1", "r2", "r1_r2", "r1_finite", "r2_finite", "r1_r2_finite",
    "gradient_penalty", "one_sided_gradient_penalty", "dragan",
    "real_consistency", "fake_consistency", "latent_consistency", "lecam", "drift", "feature_matching", "diversity",
    "path_length", "classes", "fake_classes", "codes",
]  # fmt: skip
TERMS = {name: globals()[name] for name in __all__[6:]}  # in the order in which they are added up
