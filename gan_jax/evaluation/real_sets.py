"""The real examples that others are compared with: any data set by its name, and what a run is tested on."""

from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import data, keys
from gan_jax.data import Source, captions, label_maps
from gan_jax.errors import UserError
from gan_jax.modalities import Field, Fields


def open_set(path: str, image_size: str, fit: str, **files: Any) -> Source:
    """Any data set by the name that a config gives it, or a folder, .zip or .npz file by its path alone.

    Args:
        path: the name or the path.
        image_size, fit: of images, see `gan_jax.data.open_source`.
        files: keys of `gan_jax.data.OF_FILES`.

    Raises:
        UserError: there is none.
    """
    given = {"source": full_name(path), "image_size": image_size, "fit": fit, **files}
    try:
        return data.open_source(ConfigDict(keys.complete(data.KEYS, given)))
    except UserError as error:  # which names the keys of a config
        raise UserError(str(error).replace("--config.data.image_size", "--image_size")) from None


def full_name(path: str) -> str:
    """The name that a config gives a data set; of a folder, .zip or .npz file the path alone will do.

    Raises:
        UserError: there is none.
    """
    if data.is_name(path):
        return path
    place = Path(path).expanduser()
    file = next((each for each in (place, *place.parents) if each.is_file()), None)  # or a folder in a zip file
    forms = {".zip": "zip", ".npz": "npz"}
    if not place.is_dir() and (file is None or file.suffix not in forms):
        raise UserError(f"{path}: there is no such folder, .zip or .npz file, or data set")
    return f"{forms[file.suffix] if file else 'folder'}:{path}"


def real_for_noise(config: Any, source: Source | None, name: str, field: Field) -> tuple[Source, str]:
    """What examples from noise are compared with: `config.evaluation.source`, else all that a run is trained on.

    Args:
        config: of the run.
        source: what it is trained on; None: it is opened.
        name: of another set, see `open_set`; "": none.
        field: of the run's target, as whose other sets are resized.

    Returns:
        The set, and what to call it.

    Raises:
        UserError: it cannot be opened, or has other examples.
    """
    called = name or config.evaluation.source or config.data.source
    if name:
        size = field.modality.size(field.shape) if field.modality.resize else None
        files = {key: config.data[key] for key in data.OF_FILES}
        source = open_set(name, "x".join(map(str, size)) if size else "native", config.data.fit, **files)
    elif config.evaluation.source:
        own = ConfigDict(config.data.to_dict() | {"source": called, "held_out": 0.0, "each": 0})
        label_maps.settle(own, {"target": field})
        source = data.open_source(own)
        called += f" (classes {own.classes})" * bool(own.classes)
    source = source or data.open_source(config.data)
    check_alike(source, called, field)
    return source, called


def real_for_maps(config: Any, source: Source | None, name: str, fields: Fields) -> tuple[Source, str]:
    """What maps that are given examples are tested on; see `real_for_noise`. `fields` are all of the run's.

    By default it is `config.evaluation.source`, else the examples held out, else all of the run's own. Pictures that
    hold an input and its target are pairs here, even if the run did not learn from pairs. Inputs that are made of
    images are not made yet, see `gan_jax.data.for_test`.
    """
    own, key = ConfigDict(config.data.to_dict()), f"--images_b={name}" if name else "--config.evaluation.source"
    own.paired = own.paired or own.pair != "none"
    if name := full_name(name) if name else config.evaluation.source:
        if own.inputs:
            raise UserError(f"{key}: inputs in another folder are set aside by --config.data.held_out instead")
        own.source, own.held_out, own.each = name, 0.0, 0
        label_maps.settle(own, fields)
    if source is None or own.to_dict() != config.data.to_dict():
        try:
            source = data.open_source(own)
        except UserError as error:
            raise UserError(f"{key}: {error}" if name else str(error)) from None
    called = own.source
    if "held_out" in source.splits:
        source = source.splits["held_out"]
        called += f" (held out {own.held_out:g}, split {own.split_seed})" if own.held_out else " (held out)"
    check_alike(source, called, next(iter(fields.values())))
    return captions.in_words_of(fields, source), called


def open_tests(config: Any, source: Source | None, fields: Fields, *, most: int, seed: int) -> Source:
    """What maps that are given examples are tested on, with all that they are given: at most so many of them.

    Args:
        config, source, fields: see `real_for_maps`.
        most: so many are chosen at random, if there are more.
        seed: of that choice.
    """
    return some_of(config, real_for_maps(config, source, "", fields)[0], most, seed)


def some_of(config: Any, source: Source, most: int, seed: int) -> Source:
    """At most so many examples of a set, chosen at random, in their order, with the inputs that are made of them."""
    if len(source) > most:
        source = source.select(np.sort(np.random.default_rng(seed).permutation(len(source))[:most]))
    return data.for_test(config.data, source)


def check_alike(source: Source, called: str, field: Field) -> None:
    """Raises UserError if a set has not examples such as a run's target."""
    own = source.fields[source.target]
    if (own.modality.name, own.shape) != (field.modality.name, field.shape):
        found = f"examples {list(own.shape)} ({own.modality.name})"
        raise UserError(f"{called} has {found}, the run makes {list(field.shape)} ({field.modality.name})")
