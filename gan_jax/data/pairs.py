"""What images are translated from: the other half of each picture, or a set of their own, with or without pairs."""

import dataclasses
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from gan_jax.data import folders
from gan_jax.data.source import Rows, Source
from gan_jax.errors import UserError


def with_inputs(config: Any, open_one: Callable[[str], Source]) -> Source:
    """The data set of a game that translates; that of any other game as it is.

    Args:
        config: see `gan_jax.data.open_source`.
        open_one: opens a `config.source`; of pairs in halves, images with both of them.

    Returns:
        A source with `inputs`, or with `unpaired` ones: both sets have one size, and colours if either has them.

    Raises:
        UserError: the config contradicts itself, or pictures have no partners.
    """
    if config.pair not in ("none", "left_right", "right_left"):
        raise UserError(f"data.pair={config.pair!r}: must be none, left_right or right_left (the input first)")
    if (config.pair != "none") + bool(config.inputs) + (config.task != "none") > 1:
        raise UserError("data.pair, data.inputs and data.task each say what images are made from: set one of them")
    source = open_one(config.source)
    if config.pair != "none":
        source = _in_halves(source, left_first=config.pair == "left_right")
    elif config.inputs:
        source = _from_two(config, source, open_one(config.inputs))
    if source.inputs is None or config.paired:
        return source
    unpaired = Source(source.inputs, np.zeros(len(source), np.int32))
    return dataclasses.replace(source, inputs=None, unpaired=unpaired)


def _in_halves(source: Source, left_first: bool) -> Source:
    halves = Columns(source.images, 0), Columns(source.images, 1)
    inputs, images = halves if left_first else reversed(halves)
    return Source(images, source.labels, source.class_names, inputs=inputs)


def _from_two(config: Any, source: Source, inputs: Source) -> Source:
    channels = {each.image_shape[-1] for each in (source, inputs)}
    images, others = (
        Coloured(each.images) if each.image_shape[-1] < max(channels) else each.images for each in (source, inputs)
    )
    if images.shape[1:] != others.shape[1:]:
        sizes = " and ".join("x".join(map(str, each.shape[1:3])) for each in (others, images))
        raise UserError(f"data.inputs and data.source have pictures of {sizes}: set data.image_size=N")
    if not config.paired:
        unpaired = Source(others, np.zeros(len(inputs), np.int32))
        return Source(images, source.labels, source.class_names, unpaired=unpaired)
    rows = _partners(config.inputs, config.source)
    if (len(rows), len(rows)) != (len(source), len(inputs)):
        raise UserError("broken pictures cannot be skipped in pairs by name: mend them, or remove both of a pair")
    return Source(images, source.labels, source.class_names, inputs=Rows(others, rows))


def _partners(inputs: str, source: str) -> np.ndarray:
    """int [N], the row among the inputs of the picture that is named as each picture of the source is.

    Raises:
        UserError: some have no partner, or the sets have no names.
    """
    stems = []
    for name in (inputs, source):
        form, _, path = name.partition(":")
        if form not in ("folder", "zip"):
            raise UserError(
                f"{name}: pairs by name need folder:PATH or zip:FILE; data.paired=false trains without pairs"
            )
        stems.append([PurePosixPath(inside).with_suffix("").as_posix() for inside in folders.names(form, path)])
    row = {stem: number for number, stem in enumerate(stems[0])}
    alone = sorted(set(stems[0]) ^ set(stems[1]))
    if alone or len(row) != len(stems[0]) or len(set(stems[1])) != len(stems[1]):
        reason = f"{len(alone)} have no partner, such as {alone[0]!r}" if alone else "some names are there twice"
        raise UserError(
            f"{inputs} has {len(stems[0])} pictures and {source} {len(stems[1])}, but as pairs each needs one of its "
            f"name: {reason}; data.paired=false trains without pairs"
        )
    return np.array([row[stem] for stem in stems[1]])


@dataclasses.dataclass(frozen=True)
class Columns:
    """The left (0) or the right (1) half of images that hold two."""

    images: Any
    half: int

    @property
    def shape(self) -> tuple[int, ...]:
        n, height, width, channels = self.images.shape
        return n, height, width // 2, channels

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        width = self.shape[2]
        return np.asarray(self.images[rows])[:, :, self.half * width : (self.half + 1) * width]


@dataclasses.dataclass(frozen=True)
class Coloured:
    """Grey images as such in colour."""

    images: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.images.shape[:3], 3)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return np.repeat(self.images[rows], 3, axis=-1)
