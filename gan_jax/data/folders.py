"""Files in folders and zip files: found, told apart by what they hold, and decoded side by side."""

import importlib
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from gan_jax.data import kinds
from gan_jax.data.pictures import brief
from gan_jax.data.source import Source
from gan_jax.errors import UserError
from gan_jax.lookup import modules_of

CHUNK = 64  # files that are decoded, and held in memory, at a time

Stamps = dict[str, tuple[int, int]]  # a file's name, and two numbers that change when it does
Read = Callable[[str], bytes]


def in_folder(path: str) -> tuple[Path, Stamps]:
    """A folder, and the files in it and in the folders in it, but for hidden ones.

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
            if not _hidden(inside):
                # A link to nowhere counts as a broken file.
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
    return root, {name: info for name, info in members.items() if not _hidden(name)}, archive


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def of_kind(names: Iterable[str], suffixes: tuple[str, ...]) -> list[str]:
    """The names that end so, sorted."""
    return sorted(name for name in names if name.lower().endswith(suffixes))


def open_files(root: Path, found: Stamps, read: Read, config: Any) -> Source:
    """The files of one kind as a data set: of that kind of which there are most; others are passed over.

    Args:
        root: where they lie.
        found: all files there.
        read: gives the bytes of one.
        config: the config's `data`.

    Raises:
        UserError: there are none, or the kind raises it.
    """
    known = {name: importlib.import_module(f"{kinds.__name__}.{name}") for name in modules_of(kinds)}
    names = {name: of_kind(found, kind.SUFFIXES) for name, kind in known.items()}
    most = max(names, key=lambda name: len(names[name]))
    if not names[most]:
        wanted = "; ".join(f"{kind.CALLED}: {', '.join(kind.SUFFIXES)}" for kind in known.values())
        raise UserError(f"{root} holds no files that can be read ({wanted})")
    return known[most].open_files(root, {name: found[name] for name in names[most]}, read, config)


def tell_skipped(root: Path, broken: int, total: int, called: str) -> None:
    """Says how many files were left out, if any."""
    if broken:
        print(f"{root}: skipped {broken:,} broken of {total:,} {called}", file=sys.stderr)


def decoded(
    root: Path, names: list[str], decode: Callable[[str], Any], skip_broken: bool, called: str
) -> Iterator[list[tuple[int, Any]]]:
    """Decodes files in order, a chunk at a time, all processors at work.

    Args:
        root: where they lie.
        names: of the files.
        decode: `name -> what is in it`.
        skip_broken: whether to leave out those that cannot be decoded.
        called: what people call such files.

    Yields:
        [(the place of a name, what `decode` returns of it), ...]

    Raises:
        UserError: one cannot be decoded, and `skip_broken` is false; or none can.
    """

    def decode_one(name: str) -> Any:
        try:
            return decode(name)
        except UserError as error:
            return UserError(f"{root}/{name}: {error}")
        except Exception as error:  # a broken file makes decoders raise nearly anything
            cure = "remove it or set --config.data.skip_broken=true"
            return UserError(f"cannot read {root}/{name} ({brief(error)}): {cure}")

    some = False
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(names), CHUNK):
            chunk, intact = names[start : start + CHUNK], []
            for place, result in enumerate(pool.map(decode_one, chunk), start):
                if not isinstance(result, UserError):
                    intact.append((place, result))
                elif not skip_broken:
                    raise result
            some = some or bool(intact)
            yield intact
    if not some:
        raise UserError(f"none of the {len(names):,} {called} in {root} can be read")
