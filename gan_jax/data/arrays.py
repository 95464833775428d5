"""Data sets that are held in memory: digits, and a person's own arrays."""

import dataclasses
import gzip
import math
import zipfile
from pathlib import Path

import numpy as np

from gan_jax.data import pictures
from gan_jax.data.source import Source
from gan_jax.errors import UserError

STACKED_DIGITS = 128_000


def digits(size: tuple[int, int] | None = None, fit: str = "crop") -> Source:
    """The 10,000 test images of MNIST, which come with the library.

    Args:
        size: (H, W) to resize to, or None for the 28x28 pixels as they are.
        fit: how to, see `pictures.fitted`.

    Returns:
        A source of uint8 [28, 28, 1] (or [H, W, 1]) and 10 classes.
    """
    images, labels = (_read_idx(f"t10k-{part}-ubyte.gz") for part in ("images-idx3", "labels-idx1"))
    images = pictures.resize(images[..., None], size, fit)
    return Source(images, labels.astype(np.int32), tuple("0123456789"))


def stacked_digits(size: tuple[int, int] | None = None, fit: str = "crop") -> Source:
    """Three random digits as the red, green and blue of one image: 1,000 modes, to count how many a GAN finds.

    Args:
        size: (H, W) to resize to, or None for the 28x28 pixels as they are.
        fit: how to, see `pictures.fitted`.

    Returns:
        A source of 128,000 uint8 [28, 28, 3] (or [H, W, 3]) whose label reads off the digits, red first: 0 to 999.
    """
    base = digits(size, fit)
    rows = np.random.default_rng(0).integers(len(base), size=(STACKED_DIGITS, 3))
    labels = base.labels[rows] @ np.array([100, 10, 1], np.int32)
    return Source(_Stacked(base.images, rows), labels, tuple(f"{label:03d}" for label in range(1000)))


@dataclasses.dataclass(frozen=True)
class _Stacked:
    """Images [N, H, W, 3] that are put together when read, as they would take 300 MB."""

    images: np.ndarray  # uint8 [M, H, W, 1]
    rows: np.ndarray  # int [N, 3]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.images.shape[1:3], 3)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return np.moveaxis(self.images[self.rows[rows], ..., 0], 1, -1)


def npz(path: str, size: tuple[int, int] | None = None, fit: str = "crop") -> Source:
    """A person's own arrays, from a file written by `np.savez`.

    Args:
        path: the file; ~ is expanded. It holds "images", uint8 [N, H, W, C] with C 1 or 3, or uint8 [N, H, W]; or
            "points", float [N, 2]; and "labels", int [N] from 0 up, if there are any.
        size: (H, W) to resize the images to, or None to take them as they are.
        fit: how to, see `pictures.fitted`.

    Returns:
        A source; its classes are named "0" to the highest label's number.

    Raises:
        UserError: there is no such file, or it holds something else.
    """
    try:
        with np.load(Path(path).expanduser()) as file:
            arrays = dict(file)
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except (OSError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        raise UserError(f"{path} is not an .npz file of plain arrays: write it with np.savez") from None

    if ("images" in arrays) == ("points" in arrays):
        found = ", ".join(arrays) or "nothing"
        raise UserError(f'{path} must hold either "images" or "points" (and "labels", if any), but holds {found}')
    if "points" in arrays:
        images = arrays["points"]
        if images.shape[1:] != (2,) or not np.issubdtype(images.dtype, np.floating):
            raise UserError(f'{path}: "points" must be float [N, 2], not {images.dtype} {list(images.shape)}')
        images = images.astype(np.float32)
    else:
        images = arrays["images"]
        if images.dtype != np.uint8 or images.ndim < 3 or images.shape[3:] not in ((), (1,), (3,)):
            wanted = "uint8 [N, H, W, C] with C 1 or 3, or uint8 [N, H, W]"
            raise UserError(f'{path}: "images" must be {wanted}, not {images.dtype} {list(images.shape)}')
    if not images.size:
        raise UserError(f"{path} holds no examples")
    if "images" in arrays:
        images = pictures.resize(images[..., None] if images.ndim == 3 else images, size, fit)

    if "labels" not in arrays or np.array_equal(arrays["labels"], np.full(len(images), -1)):  # as samples have them
        return Source(images, np.zeros(len(images), np.int32))
    labels = arrays["labels"]
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        found = f"{labels.dtype} {list(labels.shape)}"
        raise UserError(f'{path}: "labels" must be int [{len(images)}] and not negative, not {found}')
    if labels.max() >= max(len(images), 10_000):
        raise UserError(
            f'{path}: "labels" go up to {labels.max()}, more than there are images: number the classes from 0'
        )
    return Source(images, labels.astype(np.int32), tuple(map(str, range(labels.max() + 1))))


def _read_idx(name: str) -> np.ndarray:
    """An IDX file's bytes: 3 bytes of magic, the rank, every dimension as 4 bytes, the values."""
    data = gzip.decompress((Path(__file__).parent / "mnist" / name).read_bytes())
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, count=math.prod(map(int, shape)), offset=4 + 4 * data[3]).reshape(shape)
