"""Data: sources of examples, and the stream of batches that is made of them."""

import dataclasses
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np

from gan_jax.data import sources
from gan_jax.data.pairs import with_inputs
from gan_jax.data.source import Source, make_source
from gan_jax.data.split import of_classes, split
from gan_jax.data.stream import Stream, prepare, rows
from gan_jax.errors import UserError
from gan_jax.keys import SIZES, Key
from gan_jax.lookup import import_by_name, modules_of
from gan_jax.modalities import Field, Fields
from gan_jax.preprocess import TASKS, make_inputs

__all__ = [
    "KEYS",
    "OF_FILES",
    "Source",
    "Stream",
    "fields_for_inputs",
    "fields_of",
    "for_test",
    "is_name",
    "make_source",
    "open_source",
    "prepare",
    "rows",
]

KEYS = {
    "source": Key(
        "digits", "tfds:NAME[:SPLIT], folder:PATH, zip:FILE, npz:FILE, clips:PATH, ring, ..., or a module of your own"
    ),
    "image_size": Key("native", 'what images are resized to: "native" (not at all), 64, or "48x80" (height x width)'),
    "fit": Key("crop", "how they are resized", choices=("crop", "pad", "stretch")),
    "skip_broken": Key(False, "leave out pictures that cannot be decoded"),
    "label": Key(
        "folder",
        'of a file: "folder", that it lies in; "name", how it begins, up to the first _ - . or space; or a field of '
        "its metadata: sex, or age:20",
    ),
    "caption": Key("", 'of a picture: a field of its metadata, such as text; "txt": NAME.txt beside it'),
    "frames": Key("5+5", "of clips: how many are given, and how many that follow are to be predicted"),
    "length": Key(16_384, "of sounds: samples of a window", 1, SIZES),
    "rate": Key(0, "of sounds: samples a second, Hz, to which they are resampled; 0: as the files have", 0, SIZES),
    "window": Key("first", "of sounds: which windows of a file, the first alone or all", choices=("first", "all")),
    "trim": Key(0.0, "of sounds: cut off both ends what is quieter than the loudest by so many dB; 0: nothing", 0.0),
    "normalize": Key(False, "of sounds: make the loudest sample of each file 1"),
    "resolution": Key(0, "of solids: voxels of a side; 0: as the file has", 0, SIZES),
    "hollow": Key(False, "of meshes: take their surfaces alone, as of those that are not closed"),
    "flip": Key(False, "flip pictures left to right, half of the time"),
    "dequantize": Key(False, "add uniform noise within the 256 levels of a picture"),
    "resident_mb": Key(1024, "sets up to this size are kept on the device", low=0, resumable=True),
    "classes": Key("", "only these, by their names, with commas between"),
    "each": Key(0, "at most so many examples of each class are trained on; 0: all", 0, SIZES),
    "labeled": Key(0, "examples that keep their labels, an equal number of each class; 0: all", 0, SIZES),
    "held_out": Key(0.0, "the share of the examples that is not trained on, but kept for tests", 0, 0.9999),
    "split_seed": Key(0, "which ones", 0, 2**32 - 1),
    # What a game that translates makes an image from:
    "pair": Key(
        "none",
        "one half of each picture makes the other: left_right (the left is the input) or right_left; of noise "
        "that other half alone is made",
        choices=("none", "left_right", "right_left"),
    ),
    "inputs": Key("", "or the picture of equal name in another folder: or zip:"),
    "palette": Key("", 'the inputs are label maps in these colors: FILE.json, {name: color}, facades, or "found"'),
    "paired": Key(True, "whether each input has a target; false: two sets without pairs"),
    "task": Key("none", "or what is made of the image itself", choices=("none", *TASKS)),
    "factor": Key(4, "of superres: 2, 4 or 8", 2, 8),
    "jitter": Key(0, "enlarge the shorter side to so many pixels, crop to the old size; 0: no", 0, SIZES),
    "crop": Key(0, "train on crops of this size; 0: on whole images", 0, SIZES),
}

# How files become examples, whatever set they are of.
OF_FILES = ("label", "length", "rate", "window", "trim", "normalize", "resolution", "hollow")


def open_source(config: Any) -> Source:
    """Opens the data set that a config names.

    Args:
        config: has the attributes
            source: NAME or NAME:REST, the name that of a module in `gan_jax.data.sources`, or of your own.
            image_size: "native", or the size to resize images to: "64", or height x width, "48x80".
            fit: how to: "crop", "pad" or "stretch", see `pictures.fitted`.
            skip_broken: leave out pictures in folders and zip files that can't be decoded.
            label, caption: of such files, see `metadata`.
            length, rate, window, trim, normalize: of sounds, see `kinds.audio`.
            resolution, hollow: of solids, see `kinds.voxels`.
            classes, each, labeled, held_out, split_seed: see `gan_jax.data.split`.
            frames: of clips, see `clips.parse_frames`.
            pair, inputs, paired, task: see `pairs.with_inputs`.
            palette: of label maps, see `gan_jax.data.label_maps`.

    Returns:
        The source.

    Raises:
        UserError: the config or the data are at fault.
    """
    source = with_inputs(config, _open, _names_of)
    source = of_classes(source, config.classes, config.each, config.split_seed)
    return split(source, labeled=config.labeled, held_out=config.held_out, seed=config.split_seed)


def for_test(config: Any, source: Source) -> Source:
    """A source, and the set that is held out of it, with all that maps are given at test time.

    Args:
        config: see `open_source`.
        source: of `open_source`, or some of its rows. Holes of `task` inpaint depend on the row, so choose rows first.

    Returns:
        The source with inputs that are made of its images when they are read; itself if they are not made.

    Raises:
        UserError: they are to be made of something else than images.
    """
    if config.task == "none":
        return source
    target, given = source.fields[source.target], fields_for_inputs(config, source.fields)
    shape = (len(source), *given["input"].shape)
    made = Inputs(jax.jit(make_inputs(config, target)), target, source.columns[source.target], shape)
    splits = {name: for_test(config, part) if name == "held_out" else part for name, part in source.splits.items()}
    return Source({**source.fields, **given}, {**source.columns, "input": made}, splits)


def fields_for_inputs(config: Any, fields: Fields) -> Fields:
    """{"input": what an image is made from}, by a config's `data` and the fields of its source; {} if there is no such.

    Inputs are like the images, unless they are made of them.

    Raises:
        UserError: they are to be made of something else than images.
    """
    target = next(iter(fields.values()))
    if config.task == "none":
        return {"input": Field(target.modality, target.shape)} if config.pair != "none" or config.inputs else {}
    images = jax.ShapeDtypeStruct((1, *target.shape), np.float32)
    made = jax.eval_shape(make_inputs(config, target), images, jax.random.key(0), np.arange(1))
    return {"input": Field(target.modality, made.shape[1:])}


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Inputs that are made of images when they are read.

    Attributes:
        make: `(images, key, index) -> inputs`.
        target: the field of the images.
        images: a column.
        shape: of the inputs, (N, H, W, C).
    """

    make: Any
    target: Field
    images: Any
    shape: tuple[int, ...]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        to_model, from_model = self.target.modality.to_model, self.target.modality.from_model
        images = to_model(np.asarray(self.images[rows]), self.target)
        return from_model(self.make(images, jax.random.key(0), np.asarray(rows, np.int32)), self.target)


def fields_of(config: Any, source: Source) -> Fields:
    """All fields of the examples of a game: those that it learns from, and those that its maps are given."""
    unpaired = source.splits["unpaired"].fields if "unpaired" in source.splits else {}
    return {**for_test(config, source).fields, **unpaired}


def is_name(source: str) -> bool:
    """Whether it is written as a config names a data set, and is not a path alone."""
    name, colon, _ = source.partition(":")
    is_module = all(part.isidentifier() for part in name.split("."))
    return name in modules_of(sources) or bool(colon and is_module and not Path(source).exists())


def _open(config: Any, name: str) -> Source:
    module, rest = _module(name), name.partition(":")[2]
    form = getattr(module, "FORM", None)
    if form and bool(rest) != (":" in form):
        raise UserError(f"--config.data.source={name}: must be written {form}; {_forms()}")
    return module.open_source(rest, config)


def _names_of(name: str) -> list[str] | None:
    names = getattr(_module(name), "names", None)
    return names and names(name.partition(":")[2])


def _module(name: str) -> ModuleType:
    form = name.partition(":")[0]
    try:
        import_by_name(sources, form, "data.source", member="open_source")
    except UserError as error:
        raise UserError(f"{error}; {_forms()}") from None
    own = f"{sources.__name__}.{form}"
    return sys.modules[own if own in sys.modules else form]


def _forms() -> str:
    modules = (importlib.import_module(f"{sources.__name__}.{name}") for name in modules_of(sources))
    return f"the sources are {', '.join(module.FORM for module in modules)}, or MODULE:REST of your own"
