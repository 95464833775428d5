"""Pictures in folders and zip files, found and decoded."""

import contextlib
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gan_jax.data import captions, label_maps, pictures
from gan_jax.data.cache import cached
from gan_jax.data.metadata import captions_of, in_order, labels_of
from gan_jax.data.source import Source, make_source
from gan_jax.errors import UserError

CHUNK = 64  # pictures that are decoded, and held in memory, at a time
TOLD = 1e-3  # the share of pixels without a class from which on it is told

Stamps = dict[str, tuple[int, int]]  # a picture's name, and two numbers that change when it does
Read = Callable[[str], bytes]


def in_folder(path: str) -> tuple[Path, Stamps]:
    """A folder, and the pictures in it and in the folders in it.

    Raises:
        UserError: there is no such folder.
    """
    root = Path(path).expanduser().absolute()
    if not root.is_dir():
        raise UserError(f"no such folder: {root}")
    found = {}
    for directory, _, names in os.walk(root, followlinks=True):
        for name in names:
            file = Path(directory, name)
            inside = file.relative_to(root).as_posix()
            if is_picture(inside):
                # A link to nowhere counts as a broken picture.
                status = file.stat() if file.exists() else file.lstat()
                found[inside] = (status.st_size, status.st_mtime_ns)
    return root, found


def in_zip(path: str) -> tuple[Path, dict[str, zipfile.ZipInfo], zipfile.ZipFile]:
    """A place in a zip file, the files there by their names below it, and the zip file, open.

    Raises:
        UserError: there is no such file, or it is no zip file.
    """
    root = Path(path).expanduser().absolute()
    file = next((place for place in (root, *root.parents) if place.is_file()), None)
    if file is None:
        raise UserError(f"no such zip file: {root}")
    prefix = "" if file == root else root.relative_to(file).as_posix() + "/"
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{file} is not a zip file that can be read: {error}") from None
    inside = [info for info in archive.infolist() if info.filename.startswith(prefix)]
    members = {info.filename.removeprefix(prefix): info for info in inside}
    return root, members, archive


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture, and not hidden."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return name.lower().endswith(pictures.SUFFIXES) and not hidden


def open_pictures(root: Path, found: Stamps, read: Read, config: Any) -> Source:
    """Pictures as a data set.

    A picture's label and captions are what `metadata` makes of it; where all have the same label, the set is unlabeled.
    Hidden files and other kinds of files are passed over. The images have one channel if all pictures are gray.

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
        UserError: there is no picture, a broken one, or sizes differ and `image_size` is "native".
    """
    if not found:
        raise UserError(f"no pictures in {root}: it must hold {', '.join(pictures.SUFFIXES)} files")
    size, fit, skip_broken, halves = (
        pictures.parse_size(config.image_size), config.fit, config.skip_broken, config.pair != "none",
    )  # fmt: skip
    names = sorted(found)
    where = PurePosixPath(root.as_posix())
    named = labels_of(names, where, read, config.label)
    classes = sorted(set(named)) if config.label == "folder" else in_order(named)
    number = {label: i for i, label in enumerate(classes)}
    told = captions_of(names, where, read, config.caption) if config.caption else []

    key = (str(root), [(name, found[name]) for name in names], size, fit, skip_broken, *["halves"] * halves)
    fit_to, maps = pictures.fitted_halves if halves else pictures.fitted, None
    if config.palette:
        maps = label_maps.look_for(config.palette, halves, _examples(root, names, read))
        key, fit_to = (*key, "maps", maps.palette.colors.tolist(), maps.half), maps.fitted
    fit_to = partial(fit_to, size=size, fit=fit)
    images, kept = cached(key, len(names), lambda: _decoded(root, names, read, fit_to, skip_broken))
    if len(images) < len(names):
        print(f"{root}: skipped {len(names) - len(images):,} broken of {len(names):,} pictures", file=sys.stderr)
    if maps and (share := np.mean(maps.unknown or [0])) > TOLD:
        print(f"{root}: {share:.1%} of the label maps has other colors: it gets the nearest classes", file=sys.stderr)
    labels = np.array([number[named[place]] for place in kept], np.int32)
    classes = tuple(classes) if len(classes) > 1 else ()
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
    """Decodes the pictures in order, a chunk at a time, all processors at work: images, and their places in `names`."""
    mode = _mode(names, read)

    def decode(name: str) -> np.ndarray | UserError:
        try:
            return np.asarray(fit_to(pictures.decode(read(name))).convert(mode))
        except UserError as error:
            return UserError(f"{root}/{name}: {error}")
        except Exception as error:  # a broken file makes Pillow raise nearly anything
            cure = "remove it or set --config.data.skip_broken=true"
            return UserError(f"cannot read {root}/{name} ({pictures.brief(error)}): {cure}")

    first = None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(names), CHUNK):
            images, kept = [], []
            chunk = names[start : start + CHUNK]
            for place, (name, image) in enumerate(zip(chunk, pool.map(decode, chunk), strict=True), start):
                if isinstance(image, UserError):
                    if skip_broken:
                        continue
                    raise image
                first = first or (name, image.shape)
                if image.shape != first[1]:
                    sizes = " but ".join(f"{n} is {s[0]}x{s[1]}" for n, s in (first, (name, image.shape)))
                    raise UserError(
                        f"pictures in {root} differ in size (height x width): {sizes}: set --config.data.image_size=N"
                    )
                images.append(image)
                kept.append(place)
            if images:
                stacked = np.stack(images)
                yield stacked.reshape(*stacked.shape[:3], -1), kept  # gray is [n, H, W] so far
    if first is None:
        raise UserError(f"none of the {len(names):,} pictures in {root} can be read")


def _mode(names: list[str], read: Read) -> str:
    """Pillow's mode for all: "L" if every picture is gray; the first one in color, most often the first, decides."""
    for name in names:
        with contextlib.suppress(Exception):  # a broken picture, which the decoding will deal with
            if not pictures.is_gray(read(name)):
                return "RGB"
    return "L"
