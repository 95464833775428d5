"""Pictures: decoded, resized, and labeled by the folders that they lie in."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gan_jax.data import captions, folders, label_maps, pictures
from gan_jax.data.cache import cached
from gan_jax.data.folders import Read, Stamps
from gan_jax.data.metadata import captions_of, labels_of
from gan_jax.data.source import Source, make_source
from gan_jax.errors import UserError

CALLED, SUFFIXES = "pictures", pictures.SUFFIXES
TOLD = 1e-3  # the share of pixels without a class from which on it is told


def open_files(root: Path, found: Stamps, read: Read, config: Any) -> Source:
    """Pictures as a data set.

    A picture's label and captions are what `metadata` makes of it; where all have the same label, the set is unlabeled.
    The images have one channel if all pictures are gray.

    Args:
        root: where they lie.
        found: the pictures.
        read: gives the bytes of one.
        config: the config's `data`: `image_size`, `fit`, `label`, `caption`; `skip_broken`, to leave out pictures that
            can't be decoded; `pair`: if it is not none, each picture is two, side by side, to be fitted one by one, and
            the images are [H, 2 W, C]; and `palette`, of label maps, which the pictures are, or one half of each.

    Returns:
        A source that is decoded at its first opening and comes from the cache ever after.

    Raises:
        UserError: there is a broken picture, or sizes differ and `image_size` is "native".
    """
    size, fit, skip_broken, halves = (
        pictures.parse_size(config.image_size), config.fit, config.skip_broken, config.pair != "none",
    )  # fmt: skip
    names = sorted(found)
    where = PurePosixPath(root.as_posix())
    labels, classes = labels_of(names, where, read, config.label)
    told = captions_of(names, where, read, config.caption) if config.caption else []

    key = (str(root), [(name, found[name]) for name in names], size, fit, skip_broken, *["halves"] * halves)
    fit_to, maps = pictures.fitted_halves if halves else pictures.fitted, None
    if config.palette:
        maps = label_maps.look_for(config.palette, halves, _examples(root, names, read))
        key, fit_to = (*key, "maps", maps.palette.colors.tolist(), maps.half), maps.fitted
    fit_to = partial(fit_to, size=size, fit=fit)
    images, kept = cached(key, len(names), lambda: _decoded(root, names, read, fit_to, skip_broken))
    folders.tell_skipped(root, len(names) - len(images), len(names), CALLED)
    if maps and (share := np.mean(maps.unknown or [0])) > TOLD:
        print(f"{root}: {share:.1%} of the label maps has other colors: it gets the nearest classes", file=sys.stderr)
    labels = labels[kept]
    if maps and maps.half is None:
        maps_only = label_maps.Classes(images, maps.palette)
        return make_source("segmentation", maps_only, labels, classes, maps.palette.fitted, maps.palette.names)
    fitted = {"label_map": maps.half, "palette": maps.palette} if maps else {}  # which `pairs` takes apart
    source = make_source("image", images, labels, classes, fitted)
    return captions.beside(source, [told[place] for place in kept]) if told else source


def _examples(root: Path, names: list[str], read: Read) -> list:
    """Some of the pictures, from the first to the last, decoded.

    Raises:
        UserError: none of them can be.
    """
    found = []
    for name in names[:: max(len(names) // label_maps.SAMPLED, 1)]:
        with contextlib.suppress(Exception):  # a broken picture, which the decoding will deal with
            found.append(pictures.decode(read(name)))
    if not found:
        raise UserError(f"none of {len(names):,} pictures in {root} that were tried can be read")
    return found


def _decoded(
    root: Path, names: list[str], read: Read, fit_to: Callable, skip_broken: bool
) -> Iterator[tuple[np.ndarray, list[int]]]:
    """Images, some at a time, and their places in `names`."""
    mode, first = _mode(names, read), None
    decode = lambda name: np.asarray(fit_to(pictures.decode(read(name))).convert(mode))
    for chunk in folders.decoded(root, names, decode, skip_broken, CALLED):
        for place, image in chunk:
            first = first or (names[place], image.shape)
            if image.shape != first[1]:
                sizes = " but ".join(f"{n} is {s[0]}x{s[1]}" for n, s in (first, (names[place], image.shape)))
                raise UserError(
                    f"pictures in {root} differ in size (height x width): {sizes}: set --config.data.image_size=N"
                )
        if chunk:
            kept, images = zip(*chunk, strict=True)
            stacked = np.stack(images)
            yield stacked.reshape(*stacked.shape[:3], -1), list(kept)  # gray is [n, H, W] so far


def _mode(names: list[str], read: Read) -> str:
    """Pillow's mode for all: "L" if every picture is gray; the first one in color, most often the first, decides."""
    for name in names:
        with contextlib.suppress(Exception):  # a broken picture, which the decoding will deal with
            if not pictures.is_gray(read(name)):
                return "RGB"
    return "L"
