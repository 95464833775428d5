"""Files that are whole or not there; nothing of anybody else's is replaced."""

import contextlib
import errno
import fcntl
import json
import mmap
import os
import platform
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from gan_jax import __version__
from gan_jax.errors import UserError

MARK = "gan_jax_version"  # somewhere in each file that a command is told to write: in its text, metadata, ...
ARRAYS_MARK = {MARK: __version__}  # ... or, of an .npz file, an array of that name
REPORT = '"protocol"', '"gan_jax"'  # in a report of an evaluation
MARKS = {".json": REPORT, ".jsonl": REPORT}  # of files without the mark
KEYS_OF_ALL_RUNS = {"seed", "game", "batch_size", "total_kimg", "data"}  # in config.json, of any version


@contextlib.contextmanager
def replacing(path: Path):
    """A binary file to write that takes its name only when complete, so two processes may write the same one."""
    partial = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def claim(path: Path, overwrite: bool = False, flag: str = "--out", *, folder: bool = False) -> None:
    """Rejects a file or a folder that cannot be written, or must not: better before hours of work than after.

    Args:
        path: of it.
        overwrite: whether it may replace a file that this library has made, or a folder of such files alone. Others are
            never replaced.
        flag: what the path was given by, for messages.
        folder: whether it is to be a folder; an empty one will do.

    Raises:
        UserError: see its message.
    """
    if path.is_dir() and not folder:
        raise UserError(f"{flag}={path}: that is a folder, give a file")
    if not path.parent.is_dir():
        raise UserError(f"{flag}={path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UserError(f"{flag}={path}: the folder {path.parent} cannot be written")
    if not os.path.lexists(path) or (folder and path.is_dir() and not any(path.iterdir())):
        return
    if not overwrite:
        raise UserError(f"{flag}={path} is there already: choose another {flag}, or replace it with --overwrite")
    if not is_ours(path):
        raise UserError(f"{flag}={path} is there already and gan_jax did not make it: choose another {flag}")


def save_arrays(path: Path, **arrays: Any) -> None:
    """A compressed .npz file of arrays, but for those that are None; marked."""
    import numpy as np

    with replacing(path) as file:
        np.savez_compressed(file, **{name: own for name, own in arrays.items() if own is not None}, **ARRAYS_MARK)


def numbered(count: int, suffix: str, labels: Sequence[int] | None = None) -> list[str]:
    """Names of many files in one folder: 00012.wav, or, of label 7, 7_00012.wav; a negative label is none."""
    labels = [-1] * count if labels is None else labels
    return [f"{label}_{n:05d}{suffix}" if label >= 0 else f"{n:05d}{suffix}" for n, label in enumerate(labels)]


@contextlib.contextmanager
def replacing_folder(path: Path):
    """A new folder to write files in that takes its name only when complete; what `claim` let pass is replaced."""
    partial = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        partial.mkdir()
        yield partial
        if path.is_dir():
            shutil.rmtree(path)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def is_ours(path: Path) -> bool:
    """Whether this library has made a file: its mark is in it; or all files in a folder."""
    if path.is_dir():
        return all(each.is_file() and is_ours(each) for each in path.iterdir())
    marks = MARKS.get(path.suffix.lower(), (MARK,))
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(mark.encode()) >= 0 for mark in marks)
    except (OSError, ValueError):  # it is empty, or no file, or cannot be read
        return False


def picture_mark(suffix: str) -> dict[str, Any]:
    """The arguments of Pillow's `save` that put the mark into a .png, .jpg, .gif or .webp file."""
    from PIL import Image, PngImagePlugin

    text = f"{MARK} {__version__}"
    match suffix.lower():
        case ".png":
            info = PngImagePlugin.PngInfo()
            info.add_text(MARK, __version__)
            return {"pnginfo": info}
        case ".webp":
            exif = Image.Exif()
            exif[0x0131] = text  # "Software"
            return {"exif": exif}
        case _:
            return {"comment": text.encode()}


def claim_workdir(workdir: Path) -> None:
    """Rejects a folder to train in that is neither absent nor empty nor that of a run; nothing is touched.

    Raises:
        UserError: see its message.
    """
    if not os.path.lexists(workdir):
        return
    if not workdir.is_dir():
        raise UserError(f"--workdir={workdir}: that is no folder")
    names = {path.name for path in workdir.iterdir() if not path.name.startswith(".")}
    began = names == {"checkpoints"} and not any((workdir / "checkpoints").iterdir())  # and was killed at once
    if names and not began and not is_run(workdir):
        raise UserError(f"--workdir={workdir} holds files that are no run of gan_jax: choose another --workdir")


def is_run(workdir: Path) -> bool:
    """Whether a folder holds a run of this library, of any version."""
    try:
        config = json.loads((workdir / "config.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.keys() >= KEYS_OF_ALL_RUNS and (workdir / "checkpoints").is_dir()


def lock(workdir: Path) -> TextIO:
    """Holds a workdir for this process, until the file that is returned is closed or the process ends, however it does.

    Raises:
        UserError: another process holds it.
    """
    file = (workdir / ".lock").open("a+")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            return file  # a file system without locks
        file.seek(0)
        holder = file.read() or "another process"
        file.close()
        raise UserError(
            f"--workdir={workdir}: {holder} is training there: wait for its end or choose another --workdir"
        ) from None
    file.truncate(0)
    file.write(f"process {os.getpid()} on {platform.node()}")
    file.flush()
    return file
