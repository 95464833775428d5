"""Kinds of data, a file each: what a kind of example is to networks, to people and to files.

A module of this package has a `MODALITY`; a data source names it in its fields. No tool asks of what kind data are: it
asks the field's modality to convert, draw, write and measure them.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gan_jax.lookup import import_by_name


class Modality(NamedTuple):
    """A kind of data. "Stored" examples are as a source reads them and as files hold them, [n, *field.shape].

    Attributes:
        name: of its module in this package, or with dots or of its own any module that Python can import.
        to_model: `(stored, field) -> float arrays as networks have them`; pure, inside the compiled round.
        from_model: `(arrays, field) -> stored`, NumPy.
        to_classifier: `(stored, field) -> float arrays [n, ..., C]`, which a classifier convolves; pure, inside the
            compiled step. None: as networks have them.
        thumbnails: `(stored, field) -> uint8 [n, H, W, C]`, a picture of each example.
        sheet: `(stored, field, *, labels, real, critic, title) -> uint8 [H, W, C]`: one picture of many examples.
            `labels` int [n] or None; `real` stored examples to compare them with, or None; `critic` `stored -> logits`,
            or None; a modality takes no notice of what it cannot show.
        watched: `field -> n`, how many examples are made each time that training is watched.
        shown: how many of those a sheet holds; None: all.
        suffixes: of the files that it can write, the first by default; "" is a folder of one file each.
        write: `(stored, path, field, labels)`: many examples into one file or folder, and of images that were made of
            captions with these as `captions`; None if there are no such files.
        reads: suffixes of the files that `read` takes.
        read: `(path, field, half=None) -> stored [1, ...]`, an example from a file, of any size that it has; where the
            file holds two side by side, the one on the left (0) or on the right (1). None: none can.
        find: `folder -> the names of the examples in it`, which may be folders themselves; None: files of `reads`.
        resize: `(stored [n, ...], (H', W') or None: as they are) -> stored`; None: they have no sizes.
        size: `shape of a stored example -> (H, W)`, if they have sizes.
        interpolation: by which examples as networks have them are enlarged, see `jax.image.resize`.
        features: what it is evaluated by, unless the config says otherwise: "" if it needs to be said.
        metrics: names of the metrics that are measured while training.
    """

    name: str
    to_model: Callable
    from_model: Callable
    thumbnails: Callable
    sheet: Callable
    watched: Callable
    to_classifier: Callable | None = None
    shown: int | None = None
    suffixes: tuple[str, ...] = ()
    write: Callable | None = None
    reads: tuple[str, ...] = ()
    read: Callable | None = None
    find: Callable | None = None
    resize: Callable | None = None
    size: Callable = lambda shape: shape[:2]
    interpolation: str = "cubic"
    features: str = ""
    metrics: tuple[str, ...] = ()


class Field(NamedTuple):
    """One field of the examples of a source.

    Attributes:
        modality: its kind.
        shape: of one stored example.
        names: of classes, columns, words, ...
        fitted: what was estimated on the training set, or is known of it, and is needed to use it, as JSON can hold it.
    """

    modality: Modality
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()
    fitted: Mapping[str, Any] = {}


Fields = dict[str, Field]


def lookup(name: str) -> Modality:
    """The modality of that name.

    Raises:
        UserError: there is none.
    """
    return import_by_name(sys.modules[__name__], name, "data.modality", member="MODALITY")


def model_shape(field: Field) -> tuple[int, ...]:
    """The shape of an example as networks have it."""
    import jax

    example = jax.ShapeDtypeStruct(field.shape, "uint8")  # of which only the shape counts
    return jax.eval_shape(lambda stored: field.modality.to_model(stored, field), example).shape


def to_json(fields: Fields) -> dict:
    """Fields as a checkpoint's record holds them."""
    return {
        name: {
            "modality": field.modality.name,
            "shape": list(field.shape),
            "names": list(field.names),
            "fitted": dict(field.fitted),
        }
        for name, field in fields.items()
    }


def from_json(stored: dict) -> Fields:
    """The fields of a run from its checkpoint's record.

    Raises:
        UserError: a modality that there is not.
    """
    return {
        name: Field(lookup(field["modality"]), tuple(field["shape"]), tuple(field["names"]), field["fitted"])
        for name, field in stored.items()
    }


def to_model(batch: dict, fields: Fields) -> dict:
    """Stored examples as networks have them; what is no field stays as it is, and batches in a batch are converted.

    Args:
        batch: {field: [..., *shape]}, any leading axes.
        fields: of the source.
    """
    convert = lambda name, leaf: fields[name].modality.to_model(leaf, fields[name]) if name in fields else leaf
    return {
        name: to_model(leaf, fields) if isinstance(leaf, dict) else convert(name, leaf) for name, leaf in batch.items()
    }
