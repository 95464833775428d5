"""Which examples of a set are trained on, which of those keep their labels, and which are kept apart for a test."""

import dataclasses

import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import UserError


def split(source: Source, *, labelled: int, held_out: float, seed: int) -> Source:
    """The part of a set that is trained on; it knows the other parts.

    Args:
        source: the set.
        labelled: examples of the part that keep their labels, an equal number of each class; 0: all.
        held_out: share of the set that is kept apart, in [0, 1).
        seed: which ones.

    Returns:
        The set itself if there is nothing to split.

    Raises:
        UserError: labels are to be kept that the set does not have.
    """
    if not 0 <= held_out < 1:
        raise UserError(f"data.held_out={held_out} is a share of the examples: at least 0, and less than 1")
    if not labelled and not held_out:
        return source
    order = np.random.default_rng(seed).permutation(len(source))
    apart, rows = np.split(order, [round(held_out * len(source))])
    return dataclasses.replace(
        source.select(np.sort(rows)),
        held_out=source.select(np.sort(apart)) if len(apart) else None,
        labelled=source.select(_of_each_class(source, rows, labelled)) if labelled else None,
    )


def _of_each_class(source: Source, rows: np.ndarray, labelled: int) -> np.ndarray:
    """The first of these rows that are an equal number of each class, `labelled` in all."""
    classes = source.num_classes
    if not classes:
        raise UserError("data.labelled is for sets with labels, and this one has none")
    each, rest = divmod(labelled, classes)
    if rest:
        near = (each + 1) * classes
        raise UserError(f"data.labelled={labelled} is not an equal number of each of {classes} classes, {near} is")
    of_class = [rows[source.labels[rows] == label] for label in range(classes)]
    fewest = min(range(classes), key=lambda label: len(of_class[label]))
    if len(of_class[fewest]) < each:
        found = f"there are {len(of_class[fewest])} of {source.class_names[fewest]!r} to train on"
        raise UserError(f"data.labelled={labelled} is {each} of each class, but {found}")
    return np.concatenate([these[:each] for these in of_class])
