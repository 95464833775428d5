"""What images are translated from: the other half of each picture, or a set of their own, with or without pairs."""

import dataclasses
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax.data.label_maps import Classes
from gan_jax.data.source import Source
from gan_jax.errors import UserError
from gan_jax.modalities import lookup

Names = Callable[[str], list[str] | None]


def with_inputs(config: Any, open_one: Callable[..., Source], names_of: Names) -> Source:
    """The data set of a game that translates; that of any other game as it is.

    Args:
        config: see `gan_jax.data.open_source`.
        open_one: `(config, name)` opens a `config.source`; of pairs in halves, images with both of them.
        names_of: the names of its pictures in the order of its rows; None if it has no pictures with names.

    Returns:
        A source with the field "input", or with an "unpaired" split that has it: images of both have one size, and
        colors if either has them.

    Raises:
        UserError: the config contradicts itself, or pictures have no partners.
    """
    if (config.pair != "none") + bool(config.inputs) + (config.task != "none") > 1:
        raise UserError(
            "--config.data.pair, --config.data.inputs and --config.data.task each say what images are made from: "
            "set one of them"
        )
    whose = config.inputs or config.source
    if config.palette and names_of(whose) is None:
        raise UserError(
            f"--config.data.palette={config.palette}: label maps are pictures of folder: or zip:, not {whose}"
        )
    if config.pair != "none" and names_of(config.source) is None:
        raise UserError(
            f"--config.data.pair={config.pair}: only pictures of folder: or zip: have halves, not {config.source}"
        )
    apart = config.inputs and config.palette  # the inputs are the label maps
    source = open_one(ConfigDict({**config, "palette": ""}) if apart else config, config.source)
    if config.pair != "none":
        source, inputs = _halves(source, left_first=config.pair == "left_right")
    elif config.inputs:
        source, inputs = _alike(source, open_one(config, config.inputs))
        if config.paired:
            inputs = inputs.select(_partners(config, len(source), len(inputs), names_of))
    else:
        return source
    inputs = Source({"input": inputs.fields[inputs.target]}, {"input": inputs.columns[inputs.target]})
    if config.paired:
        return Source({**source.fields, **inputs.fields}, {**source.columns, **inputs.columns})
    return dataclasses.replace(source, splits={"unpaired": inputs})


def _halves(source: Source, left_first: bool) -> tuple[Source, Source]:
    """(the images, their inputs) of images that hold both."""
    both, about, halves = source.columns[source.target], source.fields[source.target].fitted, []
    for number in (0, 1):
        half, known = Half(both, number), {"fitted": {}}
        if number == about.get("label_map"):
            half = Classes(half, about["palette"])
            known = {"modality": lookup("segmentation"), "names": half.palette.names, "fitted": half.palette.fitted}
        halves.append(_with_target(source, half, **known))
    left, right = halves
    return (right, left) if left_first else (left, right)


def _alike(source: Source, inputs: Source) -> tuple[Source, Source]:
    """Two sets, of which gray images are in color where those of the other one are, if both are of one kind."""
    fields = [each.fields[each.target] for each in (source, inputs)]
    sizes = [field.modality.size(field.shape) for field in fields]
    if sizes[0] != sizes[1] and all(field.modality.resize for field in fields):
        found = " and ".join("x".join(map(str, size)) for size in reversed(sizes))
        raise UserError(
            f"--config.data.inputs and --config.data.source have pictures of {found}: set --config.data.image_size=N"
        )
    if fields[0].modality != fields[1].modality or fields[0].shape == fields[1].shape:
        return source, inputs
    return tuple(
        _with_target(each, Colored(each.columns[each.target])) if field.shape[-1] == 1 else each
        for each, field in zip((source, inputs), fields, strict=True)
    )


def _with_target(source: Source, column: Any, **known: Any) -> Source:
    """The set with another column of its target, and what is known of that."""
    name = source.target
    field = source.fields[name]._replace(shape=tuple(column.shape[1:]), **known)
    return Source({**source.fields, name: field}, {**source.columns, name: column})


def _partners(config: Any, num_images: int, num_inputs: int, names_of: Names) -> np.ndarray:
    """int [N], the row among the inputs of the picture that is named as each picture of the source is.

    Raises:
        UserError: some have no partner, or the sets have no names.
    """
    stems = []
    for name in (config.inputs, config.source):
        names = names_of(name)
        if names is None:
            raise UserError(
                f"{name}: pairs by name need folder:PATH or zip:FILE; --config.data.paired=false trains without pairs"
            )
        stems.append([PurePosixPath(inside).with_suffix("").as_posix() for inside in names])
    row = {stem: number for number, stem in enumerate(stems[0])}
    alone = sorted(set(stems[0]) ^ set(stems[1]))
    if alone or len(row) != len(stems[0]) or len(set(stems[1])) != len(stems[1]):
        reason = f"{len(alone)} have no partner, such as {alone[0]!r}" if alone else "some names are there twice"
        raise UserError(
            f"{config.inputs} has {len(stems[0])} pictures and {config.source} {len(stems[1])}, but as pairs each "
            f"needs one of its name: {reason}; --config.data.paired=false trains without pairs"
        )
    if (len(stems[1]), len(stems[0])) != (num_images, num_inputs):
        raise UserError("broken pictures cannot be skipped in pairs by name: mend them, or remove both of a pair")
    return np.array([row[stem] for stem in stems[1]])


@dataclasses.dataclass(frozen=True)
class Half:
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
class Colored:
    """Gray images as such in color."""

    images: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.images.shape[:3], 3)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return np.repeat(self.images[rows], 3, axis=-1)
