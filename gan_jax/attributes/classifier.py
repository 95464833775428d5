"""How much an example looks like one of the classes that a classifier knows: its log-odds.

The classifier is a file of `--mode=train_classifier`; without one, that of digits.
"""

from pathlib import Path

import numpy as np
from scipy.special import logsumexp

from gan_jax.attributes import Attributes
from gan_jax.evaluation import classifier
from gan_jax.evaluation.features import logits_of, open_features
from gan_jax.modalities import Field


def attributes(rest: str, field: Field) -> Attributes:
    """The log-odds of each class against the others; of two classes, of the second against the first.

    Raises:
        UserError: there is no such classifier, or the examples are none of its own.
    """
    names, logits = open_classifier(rest, field)
    chosen = slice(1 if len(names) == 2 else 0, None)

    def measure(stored):
        own = logits(stored)
        others = [logsumexp(np.delete(own, k, axis=1), axis=1) for k in range(len(names))]
        return (own - np.stack(others, axis=1))[:, chosen]

    return Attributes(names[chosen], measure)


def open_classifier(rest: str, field: Field):
    """The names of the classes, and `stored -> logits float64 [n, K]`.

    Raises:
        UserError: there is no such classifier, or the examples are none of its own.
    """
    features = open_features(f"classifier:{rest}" if rest else "classifier", field, "--attributes")
    names = classifier.load(*[Path(rest).expanduser()] if rest else []).names
    return names, lambda stored: logits_of(features, stored).astype(np.float64)


ATTRIBUTES = attributes
