"""Which examples of a set are trained on, of which classes; which keep their labels, which are kept for a test."""

import dataclasses

import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import UserError
from gan_jax.keys import closest


def of_classes(source: Source, classes: str, each: int, seed: int) -> Source:
    """The examples of some classes, which get the numbers from 0.

    Args:
        source: the set.
        classes: their names, with commas between; "": all.
        each: at most so many examples of each; 0: all.
        seed: which ones.

    Raises:
        UserError: the set has no labels, or no such class.
    """
    if not classes and not each:
        return source
    if not source.class_names:
        raise UserError("--config.data.classes and --config.data.each are for sets with labels, and this one has none")
    names = [name.strip() for name in classes.split(",")] if classes else list(source.class_names)
    for name in names:
        if name not in source.class_names:
            raise UserError(f"--config.data.classes={classes}: {name!r} is none; {closest(name, source.class_names)}")
    order = np.random.default_rng(seed).permutation(len(source))
    labels = [source.class_names.index(name) for name in dict.fromkeys(names)]
    rows = np.sort(np.concatenate([order[source.labels[order] == label][: each or None] for label in labels]))
    number = np.zeros(len(source.class_names), np.int32)
    number[labels] = np.arange(len(labels))
    chosen = source.select(rows)
    fields = {**source.fields, "label": source.fields["label"]._replace(names=tuple(dict.fromkeys(names)))}
    return Source(fields, {**chosen.columns, "label": number[source.labels[rows]]}, chosen.splits)


def split(source: Source, *, labeled: int, held_out: float, seed: int) -> Source:
    """The part of a set that is trained on, with the other parts as its splits "held_out" and "labeled".

    Args:
        source: the set.
        labeled: examples of the part that keep their labels, an equal number of each class; 0: all.
        held_out: share of the set that is kept apart, in [0, 1).
        seed: which ones.

    Returns:
        The set itself if there is nothing to split.

    Raises:
        UserError: labels are to be kept that the set does not have.
    """
    if not labeled and not held_out:
        return source
    order = np.random.default_rng(seed).permutation(len(source))
    apart, rows = np.split(order, [round(held_out * len(source))])
    parts = {
        "held_out": source.select(np.sort(apart)) if len(apart) else None,
        "labeled": source.select(_of_each_class(source, rows, labeled)) if labeled else None,
    }
    trained_on = source.select(np.sort(rows))
    splits = {name: part for name, part in parts.items() if part is not None}
    return dataclasses.replace(trained_on, splits={**trained_on.splits, **splits})


def _of_each_class(source: Source, rows: np.ndarray, labeled: int) -> np.ndarray:
    """The first of these rows that are an equal number of each class, `labeled` in all."""
    classes, labels = len(source.class_names), source.labels
    if not classes:
        raise UserError("--config.data.labeled is for sets with labels, and this one has none")
    each, rest = divmod(labeled, classes)
    if rest:
        near = (each + 1) * classes
        raise UserError(
            f"--config.data.labeled={labeled} is not an equal number of each of {classes} classes, {near} is"
        )
    of_class = [rows[labels[rows] == label] for label in range(classes)]
    fewest = min(range(classes), key=lambda label: len(of_class[label]))
    if len(of_class[fewest]) < each:
        found = f"there are {len(of_class[fewest])} of {source.class_names[fewest]!r} to train on"
        raise UserError(f"--config.data.labeled={labeled} is {each} of each class, but {found}")
    return np.concatenate([these[:each] for these in of_class])
