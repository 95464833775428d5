"""A person's own pictures, in a folder or a zip file."""

import contextlib
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from gan_jax.data import pictures
from gan_jax.data.cache import cached
from gan_jax.data.source import Source
from gan_jax.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
CHUNK = 64  # pictures that are decoded, and held in memory, at a time

Stamps = dict[str, tuple[int, int]]  # a picture's name, and two numbers that change when it does
Read = Callable[[str], bytes]


def folder(path: str, size: tuple[int, int] | None, fit: str, skip_broken: bool, halves: bool = False) -> Source:
    """All PNG, JPEG, WebP, BMP and GIF files in a folder and the folders in it.

    A picture's label is the name of the folder it lies in; where that is one and the same, the set is unlabelled.
    Hidden files and other kinds of files are passed over. The images have one channel if all pictures are grey.

    Args:
        path: the folder; ~ is expanded.
        size: (H, W) to resize to, or None if all pictures have one size.
        fit: how to, see `pictures.fitted`.
        skip_broken: leave out pictures that can't be decoded.
        halves: each picture is two, side by side, to be fitted one by one: the images are [H, 2 W, C].

    Returns:
        A source that is decoded at its first opening and comes from the cache ever after.

    Raises:
        UserError: there is no such folder, no picture in it, a broken one, or sizes differ and `size` is None.
    """
    root, found = _in_folder(path)
    return _open(root, found, lambda name: (root / name).read_bytes(), size, fit, skip_broken, halves)


def zipped(path: str, size: tuple[int, int] | None, fit: str, skip_broken: bool, halves: bool = False) -> Source:
    """All pictures in a zip file, or in a folder in one, as `folder` has them.

    Args:
        path: the file, and after it, if wanted, a folder inside: "~/cifar10.zip/train".
        size, fit, skip_broken, halves: see `folder`.

    Returns:
        A source that is decoded at its first opening and comes from the cache ever after.

    Raises:
        UserError: there is no such file or it is no zip file; else see `folder`.
    """
    root, members, archive = _in_zip(path)
    with archive:
        found = {name: (info.file_size, info.CRC) for name, info in members.items()}
        return _open(root, found, lambda name: archive.read(members[name]), size, fit, skip_broken, halves)


def names(form: str, path: str) -> list[str]:
    """The names of the pictures of a "folder" or a "zip", as they lie in it, in the order of the source.

    Raises:
        UserError: there is no such thing.
    """
    if form == "folder":
        return sorted(_in_folder(path)[1])
    _, members, archive = _in_zip(path)
    archive.close()
    return sorted(members)


def _in_folder(path: str) -> tuple[Path, Stamps]:
    root = Path(path).expanduser().absolute()
    if not root.is_dir():
        raise UserError(f"no such folder: {root}")
    found = {}
    for directory, _, names in os.walk(root, followlinks=True):
        for name in names:
            file = Path(directory, name)
            inside = file.relative_to(root).as_posix()
            if _is_picture(inside):
                # A link to nowhere counts as a broken picture.
                status = file.stat() if file.exists() else file.lstat()
                found[inside] = (status.st_size, status.st_mtime_ns)
    return root, found


def _in_zip(path: str) -> tuple[Path, dict[str, zipfile.ZipInfo], zipfile.ZipFile]:
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
    return root, {name: info for name, info in members.items() if _is_picture(name)}, archive


def _is_picture(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return name.lower().endswith(SUFFIXES) and not hidden


def _open(
    root: Path, found: Stamps, read: Read, size: tuple[int, int] | None, fit: str, skip_broken: bool, halves: bool
) -> Source:
    if not found:
        raise UserError(f"no pictures in {root}: it must hold {', '.join(SUFFIXES)} files")
    names = sorted(found)
    parents = [PurePosixPath(root.as_posix(), name).parent.name for name in names]
    classes = sorted(set(parents))
    number = {name: label for label, name in enumerate(classes)}
    labels = {name: number[parent] for name, parent in zip(names, parents, strict=True)}

    key = (str(root), [(name, found[name]) for name in names], size, fit, skip_broken, *["halves"] * halves)
    class_names = tuple(classes) if len(classes) > 1 else ()
    fitted = pictures.fitted_halves if halves else pictures.fitted
    fit_to = partial(fitted, size=size, fit=fit)
    source = cached(key, class_names, len(names), lambda: _decoded(root, labels, read, fit_to, skip_broken))
    if len(source) < len(names):
        print(f"{root}: skipped {len(names) - len(source):,} broken of {len(names):,} pictures", file=sys.stderr)
    return source


def _decoded(
    root: Path, labels: dict[str, int], read: Read, fit_to: Callable, skip_broken: bool
) -> Iterator[tuple[np.ndarray, list[int]]]:
    """Decodes the pictures in order, a chunk at a time, all processors at work."""
    names = list(labels)
    mode = _mode(names, read)

    def decode(name: str) -> np.ndarray | UserError:
        try:
            return np.asarray(fit_to(pictures.decode(read(name))).convert(mode))
        except UserError as error:
            return UserError(f"{root}/{name}: {error}")
        except Exception as error:  # a broken file makes Pillow raise nearly anything
            return UserError(f"cannot read {root}/{name} ({brief(error)}): remove it or set data.skip_broken=true")

    first = None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(names), CHUNK):
            images, kept = [], []
            chunk = names[start : start + CHUNK]
            for name, image in zip(chunk, pool.map(decode, chunk), strict=True):
                if isinstance(image, UserError):
                    if skip_broken:
                        continue
                    raise image
                first = first or (name, image.shape)
                if image.shape != first[1]:
                    sizes = " but ".join(f"{n} is {s[0]}x{s[1]}" for n, s in (first, (name, image.shape)))
                    raise UserError(
                        f"pictures in {root} differ in size (height x width): {sizes}: set data.image_size=N"
                    )
                images.append(image)
                kept.append(labels[name])
            if images:
                stacked = np.stack(images)
                yield stacked.reshape(*stacked.shape[:3], -1), kept  # grey is [n, H, W] so far
    if first is None:
        raise UserError(f"none of the {len(names):,} pictures in {root} can be read")


def _mode(names: list[str], read: Read) -> str:
    """Pillow's mode for all: "L" if every picture is grey; the first one in colour, most often the first, decides."""
    for name in names:
        with contextlib.suppress(Exception):  # a broken picture, which the decoding will deal with
            if not pictures.is_grey(read(name)):
                return "RGB"
    return "L"


def brief(error: Exception) -> str:
    """Why a picture cannot be decoded, in one line."""
    from PIL import UnidentifiedImageError

    return "not a picture" if isinstance(error, UnidentifiedImageError) else str(error).split("\n")[0]
