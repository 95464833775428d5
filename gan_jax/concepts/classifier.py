"""The classes of a classifier, which does not tell where they are: of digits, or one of `--mode=train_classifier`."""

from pathlib import Path

import jax

from gan_jax.concepts import Concepts
from gan_jax.evaluation import classifier
from gan_jax.evaluation.features.classifier import open_classifier
from gan_jax.modalities import Field


def concepts(rest: str, field: Field) -> Concepts:
    """The probability of each class.

    Args:
        rest: the file; "": the classifier of digits.
        field: of images.

    Raises:
        UserError: the classifier is none, or is for other images.
    """
    own, names = open_classifier(rest, field), classifier.load(*[Path(rest).expanduser()] if rest else []).names
    score = lambda images: jax.nn.softmax(own.apply(own.params, (images + 1) * 127.5)[1])
    return Concepts(names, score=score)


CONCEPTS = concepts
