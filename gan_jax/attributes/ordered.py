"""Which of its classes a classifier expects in the mean, where they have an order, such as decades of age."""

from pathlib import Path

import numpy as np
from scipy.special import softmax

from gan_jax.attributes import Attributes
from gan_jax.attributes.classifier import open_classifier
from gan_jax.modalities import Field


def attributes(rest: str, field: Field) -> Attributes:
    """The expected number of the class, from 0; its name is that of the file.

    Raises:
        UserError: there is no such classifier, or the examples are none of its own.
    """
    names, logits = open_classifier(rest, field)
    return Attributes(
        (Path(rest).stem or "digit",), lambda stored: softmax(logits(stored), axis=1) @ np.arange(len(names))[:, None]
    )


ATTRIBUTES = attributes
