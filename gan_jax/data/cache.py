"""Files, such as pictures, decoded once, kept on disk as one array that later runs map into memory."""

import contextlib
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from gan_jax.errors import UserError
from gan_jax.files import replacing

FORMAT = 2  # part of every key: raise it when the decoding or the files change

Chunks = Iterable[tuple[np.ndarray, list[int]]]


def cache_folder() -> Path:
    """`$GAN_JAX_CACHE`, else `$XDG_CACHE_HOME/gan_jax`, else `~/.cache/gan_jax`; it may be deleted at will."""
    home = os.environ.get("GAN_JAX_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "gan_jax")
    return Path(home).expanduser()


def cached(
    key: tuple, total: int, decode: Callable[[], Chunks], called: str = "pictures"
) -> tuple[np.ndarray, np.ndarray]:
    """Opens what was decoded from the cache, decoding it first where it is not there or is damaged.

    Args:
        key: all that the examples depend on; its `repr` names the files.
        total: how many there are to decode, if all are intact.
        decode: gives chunks of (examples [n, ...], all of one shape and type, n labels).
        called: what people call them.

    Returns:
        (the examples [N, ...], memory-mapped, hence read as needed; their labels, int32 [N])

    Raises:
        UserError: the cache can't be written; and all that `decode` raises.
    """
    folder = cache_folder()
    stem = hashlib.sha256(repr((FORMAT, key)).encode()).hexdigest()[:32]
    images_path, labels_path = folder / f"{stem}.npy", folder / f"{stem}.json"
    try:
        # A missing file is an OSError; a damaged one one of the others.
        with contextlib.suppress(OSError, EOFError, ValueError, TypeError, KeyError):
            return _load(images_path, labels_path)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(images_path) as images_file, replacing(labels_path) as labels_file:
            shape, labels = _write(images_file, _progress(decode(), total, called), total)
            labels_file.write(json.dumps({"shape": shape, "labels": labels}).encode())
        return _load(images_path, labels_path)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write the cache {folder} ({reason}): free its disk or set GAN_JAX_CACHE") from error


def _load(images_path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    images = np.load(images_path, mmap_mode="r")
    saved = json.loads(labels_path.read_bytes())
    if list(images.shape) != saved["shape"] or len(saved["labels"]) != len(images):
        raise ValueError("the two files do not belong together")
    read_ahead(images_path)
    return images, np.array(saved["labels"], np.int32)


def read_ahead(path: Path) -> threading.Thread | None:
    """Has a file read into the system's memory, from end to end, while other things go on.

    A disk gives that many times as fast as single pictures at random places, which then need no disk.

    Returns:
        What does it; None if the file is larger than half of the memory, which could not keep it, or a system like
        Windows does not say how much there is.
    """
    if not hasattr(os, "sysconf") or 2 * path.stat().st_size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        return None

    def read():
        with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
            chunk = bytearray(2**22)
            while file.readinto(chunk):
                pass

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _write(file, chunks: Chunks, total: int) -> tuple[list[int], list[int]]:
    """Writes the chunks as one .npy array and returns its shape and labels."""
    labels, shape, dtype = [], (), np.dtype(np.uint8)
    # Plain writes, not a writable memory map: a full disk is then an exception and not a dead process.
    for examples, chunk_labels in chunks:
        if not labels:
            shape, dtype = examples.shape[1:], examples.dtype
            _write_header(file, (total, *shape), dtype)
        file.write(examples.tobytes())
        labels += chunk_labels
    # There may be fewer, or more. NumPy leaves room in a header, so the right one fits over the first.
    file.seek(0)
    _write_header(file, (len(labels), *shape), dtype)
    return [len(labels), *shape], labels


def _write_header(file, shape: tuple[int, ...], dtype: np.dtype) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": dtype.str, "fortran_order": False, "shape": shape})


def _progress(chunks: Chunks, total: int, called: str) -> Chunks:
    """Shows the examples go by: a bar on a terminal, two lines in a log."""
    from tqdm import tqdm

    on_terminal = sys.stderr.isatty()
    if not on_terminal:
        print(f"decoding {total:,} {called}", file=sys.stderr)
    start = time.monotonic()
    with tqdm(total=total, desc=f"decoding {called}", unit="", disable=not on_terminal) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk[1]))
    if not on_terminal:
        print(f"decoded {total:,} {called} in {time.monotonic() - start:.1f} s", file=sys.stderr)
