"""Data: sources of images, and the stream of batches that is made of them."""

from typing import Any

from gan_jax.data import arrays, folders, pictures, tfds, toys
from gan_jax.data.pairs import with_inputs
from gan_jax.data.source import Source
from gan_jax.data.split import split
from gan_jax.data.stream import Stream, rows
from gan_jax.errors import UserError

__all__ = ["Source", "Stream", "is_name", "open_source", "rows"]

FORMS = "digits, stacked_digits, ring, grid, spiral, moons, folder:PATH, zip:FILE[/FOLDER], npz:FILE, tfds:NAME[:SPLIT]"


def is_name(source: str) -> bool:
    """Whether it has one of the `FORMS`, and is not a path alone."""
    return source.partition(":")[0] in {form.partition(":")[0] for form in FORMS.split(", ")}


def open_source(config: Any) -> Source:
    """Opens the data set that a config names.

    Args:
        config: has the attributes
            source: one of the `FORMS`.
            image_size: "native", or the size to resize images to: "64", or height x width, "48x80".
            fit: how to: "crop", "pad" or "stretch", see `pictures.fitted`.
            skip_broken: leave out pictures in folders and zip files that can't be decoded.
            labelled, held_out, split_seed: see `split.split`.
            pair, inputs, paired, task: see `pairs.with_inputs`.

    Returns:
        The source; of the toys it has points, to which image_size and fit mean nothing.

    Raises:
        UserError: the config or the data are at fault.
    """
    source = with_inputs(config, lambda name: _open(config, name))
    return split(source, labelled=config.labelled, held_out=config.held_out, seed=config.split_seed)


def _open(config: Any, name: str) -> Source:
    size, fit = pictures.parse_size(config.image_size), config.fit
    if fit not in ("crop", "pad", "stretch"):
        raise UserError(f"data.fit={fit} must be crop, pad or stretch")
    halves = config.pair != "none"
    form, _, rest = name.partition(":")
    if halves and form not in ("folder", "zip"):
        raise UserError(f"data.pair={config.pair}: only pictures of folder: or zip: have halves, not {name}")
    match form, rest:
        case "digits", "":
            return arrays.digits(size, fit)
        case "stacked_digits", "":
            return arrays.stacked_digits(size, fit)
        case "ring" | "grid" | "spiral" | "moons", "":
            return getattr(toys, form)()
        case "folder", path if path:
            return folders.folder(path, size, fit, config.skip_broken, halves)
        case "zip", path if path:
            return folders.zipped(path, size, fit, config.skip_broken, halves)
        case "npz", path if path:
            return arrays.npz(path, size, fit)
        case "tfds", dataset if dataset:
            return tfds.dataset(dataset, size, fit)
    raise UserError(f"unknown data.source={name}: it must be one of {FORMS}")
