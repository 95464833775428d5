"""Weights of other code, a file each format: which config they fit, and where each of their arrays goes.

A module of this package has a `FORMAT`. `_run.py` makes a run of the files that a person has.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.errors import UserError


class Network(NamedTuple):
    """A network as a file has it.

    Attributes:
        file: that it was read from.
        player: whose it is.
        tensors: {name: array} of its parameters and buffers.
        part: where the player holds several networks, the name of this one among its parameters.
        average: whether these are averaged parameters, beside those that were averaged.
    """

    file: Path
    player: str
    tensors: dict[str, np.ndarray]
    part: str = ""
    average: bool = False

    def tensor(self, name: str) -> np.ndarray:
        """The array of that name.

        Raises:
            UserError: there is none.
        """
        if name not in self.tensors:
            raise UserError(f"{self.file} lacks {name}: it is of another format, or of another network")
        return self.tensors[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Of the kernel of that name, or of another matrix.

        Raises:
            UserError: there is none.
        """
        shape = self.tensor(name).shape
        if len(shape) < 2 or 0 in shape:
            raise UserError(f"{self.file}: {name} is {list(shape)}, which is no kernel")
        return shape

    def count(self, name: str, first: int = 0, step: int = 1) -> int:
        """How many tensors there are of the name with first, first + step, ... in place of {}, up to a gap."""
        number = 0
        while name.format(first + step * number) in self.tensors:
            number += 1
        return number


class Place(NamedTuple):
    """What an array of a run is made of.

    Attributes:
        names: of tensors.
        make: `(*tensors) -> array`.
    """

    names: tuple[str, ...]
    make: Callable[..., np.ndarray]


class Format(NamedTuple):
    """What some code's files of weights are.

    Attributes:
        game: that their networks play.
        config: the one that they fit by default.
        files: what the files are called that --weights names, in this order; each may be missing.
        read: `(path, one of files) -> [Network]`.
        keys: `network -> {"dotted.key": value}`, all that it says of the config.
        fields: `(networks, config) -> Fields`, what they make and are given; there is a generator among them.
        places: `network -> {"collection.path": Place}`: all arrays of the run's network.
        unused: the last parts of names that a file may have though the run has no use for them.

    `keys` raises a UserError where no config has such a network.
    """

    game: str
    config: str
    files: tuple[str, ...]
    read: Callable[[Path, str], list[Network]]
    keys: Callable[[Network], dict[str, Any]]
    fields: Callable
    places: Callable[[Network], dict[str, Place]]
    unused: tuple[str, ...] = ()


def same(name: str) -> Place:
    """A tensor as it is."""
    return Place((name,), lambda x: x)


def convolution(name: str) -> Place:
    """The kernel of a convolution: [D, C, kh, kw] -> [kh, kw, C, D].

    A transposed one is [C, D, kh, kw], which the same makes [kh, kw, D, C].
    """
    return Place((name,), lambda w: w.transpose(2, 3, 1, 0))


def linear(name: str) -> Place:
    """The kernel of a linear layer, [D, C] -> [C, D], or of a 1x1 convolution, [D, C, 1, 1] -> [C, D]."""
    return Place((name,), lambda w: w.reshape(w.shape[:2]).T)


def layer(ours: str, theirs: str, kernel: Callable[[str], Place] = convolution, use_bias: bool = True) -> dict:
    """{path: Place} of a layer's kernel and bias, which are "weight" and "bias" there."""
    places = {f"{ours}.kernel": kernel(f"{theirs}.weight")}
    return {**places, f"{ours}.bias": same(f"{theirs}.bias")} if use_bias else places


def in_params(places: dict[str, Place], part: str = "") -> dict[str, Place]:
    """The places with "params" before each path, and the part of the player that they are of."""
    return {".".join(filter(None, ("params", part, path))): place for path, place in places.items()}
