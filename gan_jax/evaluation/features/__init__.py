"""What metrics compare examples by, a file each: the features of a network, or the examples as they are.

A module of this package has an `EXTRACTOR`, and so may any module that Python can import: its name is what a person
gives, with a file after a colon where it takes one.
"""

import contextlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gan_jax.errors import UserError
from gan_jax.lookup import import_by_name, only_the_librarys_own
from gan_jax.modalities import Field
from gan_jax.sampling import in_parts

KEY = "--config.evaluation.features"


class Features(NamedTuple):
    """A function of examples, and what its results are.

    Attributes:
        name: with the network's SHA-256 and how images are resized for it, for the protocol; and for the cache.
        params: of the network.
        apply: the pure function `(params, stored examples [B, ...]) -> (features [B, F], logits [B, K] or None)`. Of
            images it takes floats in [0, 255] too. None: there are no features, so only what compares an example with
            its own target can be measured.
        chunk: examples that a device is given at a time.
        learned: whether a network computes them, so that their mean and covariance say much; if not, they are
            coordinates.
        logits: of what: "own" classes of the data, "other" classes; "": there are none.
        segmenter, matcher: that they are of, see `gan_jax.evaluation`; None: of another network.
    """

    name: str
    params: Any
    apply: Callable | None
    chunk: int
    learned: bool = True
    logits: str = ""
    segmenter: Any = None
    matcher: Any = None


class Extractor(NamedTuple):
    """A kind of features.

    Attributes:
        open: `(path, field) -> Features` for examples of that field; path is "" if none is given. It raises UserError
            if that cannot be.
        modalities: the names of those that it is for; (): any.
        downloads: whether it must be downloaded where no path is given, which training does only if it is asked for.
    """

    open: Callable[[str, Field], Features]
    modalities: tuple[str, ...] = ()
    downloads: bool = False


def resolve_features(name: str, field: Field, *, in_config: str, has_targets: bool) -> str:
    """By what examples are compared: the same of a run while it is trained and afterwards.

    Args:
        name: as --features gives it, or "auto".
        field: that is compared.
        in_config: `config.evaluation.features` of the run that made the examples, or "auto".
        has_targets: whether each example has a target of its own.

    Returns:
        `name`, unless it is "auto"; else `in_config`, unless it is that too, or "none"; else what fits the data set,
        `field.fitted["features"]`; else the default of the field's modality, or "pixels" if that would be a download
        and there are targets. "" if none of these says anything.
    """
    for given in (name, in_config, field.fitted.get("features", "auto")):
        if given not in ("auto", "none"):
            return given
    default = field.modality.features
    return "pixels" if has_targets and needs_download(default) else default


def needs_download(name: str) -> bool:
    """Whether these features are to be had only by a download."""
    kind, _, path = name.partition(":")
    return bool(name) and not path and _extractor(kind, KEY).downloads


def open_features(name: str, field: Field, given_as: str = "--features") -> Features:
    """The features of that name.

    Args:
        name: see `resolve_features`; not "auto".
        field: what they are computed of.
        given_as: the flag or key that a message names. What a key names may come from a saved run.

    Raises:
        UserError: there are no such features, or they do not fit the field.
    """
    if not name:
        raise UserError(f"{given_as} must say by what the data are compared, such as points or classifier:FILE")
    kind, _, path = name.partition(":")
    extractor, modality = _extractor(kind, given_as), field.modality.name
    if extractor.modalities and modality not in extractor.modalities:
        raise UserError(f"{given_as}={name}: they are features of {', '.join(extractor.modalities)}, not of {modality}")
    try:
        return extractor.open(path, field)
    except UserError as error:
        raise UserError(f"{given_as}={name}: {error}") from None


def logits_of(features: Features, stored: np.ndarray) -> np.ndarray:
    """The logits [n, K] of stored examples [n, ...], by features that have some."""
    apply = lambda params, examples: features.apply(params, examples)[1]
    return in_parts(apply, features.params, (stored,), features.chunk)


def _extractor(kind: str, given_as: str) -> Extractor:
    try:
        with contextlib.nullcontext() if given_as == KEY else only_the_librarys_own(besides=(kind,)):
            return import_by_name(sys.modules[__name__], kind, KEY.removeprefix("--config."), member="EXTRACTOR")
    except UserError as error:
        raise UserError(str(error).replace(KEY, given_as)) from None
