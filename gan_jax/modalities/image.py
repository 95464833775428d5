"""Pictures: uint8 [H, W, C] with C 1 (gray) or 3, float in [-1, 1] to networks."""

import math
from pathlib import Path

import numpy as np

from gan_jax import images
from gan_jax.data import pictures
from gan_jax.files import save_arrays
from gan_jax.modalities import Field, Modality

NUM_WATCHED, NUM_SHOWN = 512, 64
MOST_COLUMNS = 16


def to_model(stored, field: Field):
    """uint8 in [0, 255] -> float32 in [-1, 1]."""
    return images.to_float(stored)


def from_model(arrays, field: Field) -> np.ndarray:
    """Float in [-1, 1], values beyond clipped -> uint8 in [0, 255], rounded to the nearest."""
    return images.to_uint8(arrays)


def thumbnails(stored: np.ndarray, field: Field) -> np.ndarray:
    """The pictures themselves."""
    return stored


def sheet(stored: np.ndarray, field: Field, *, labels=None, real=None, critic=None, title: str = "") -> np.ndarray:
    """A grid, one column a class if the labels are those of up to 16 classes in turn."""
    return images.grid(stored, class_columns(labels))


def class_columns(labels: np.ndarray | None) -> int | None:
    """As many columns as classes, if labels, int [n], give each class in turn; None if they don't, or are too many."""
    if labels is None or not len(labels):
        return None
    columns = int(np.max(labels)) + 1
    few = 1 < columns <= MOST_COLUMNS
    return columns if few and np.array_equal(labels, np.arange(len(labels)) % columns) else None


def watched(field: Field) -> int:
    """512, or fewer of large pictures."""
    return max(NUM_SHOWN, min(NUM_WATCHED, 2**24 // math.prod(field.shape)))


def write(
    stored: np.ndarray, path: Path, field: Field, labels: np.ndarray | None = None, captions: list[str] | None = None
) -> None:
    """An .npz file of "images", and "labels" and "captions" if there are any; or a picture: one example as it is, or a
    `sheet` of many, with their captions under them."""
    if path.suffix.lower() == ".npz":
        save_arrays(path, images=stored, labels=labels, captions=captions)
    elif len(stored) == 1:
        images.save(stored[0], path, mark=True)
    else:
        drawn = images.captioned_grid(stored, captions) if captions else sheet(stored, field, labels=labels)
        images.save(drawn, path, mark=True)


def resize(stored: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """[n, H, W, C] of another size, stretched; see `pictures.resize`."""
    return pictures.resize(stored, size, "stretch")


def read(path: Path, field: Field, half: int | None = None) -> np.ndarray:
    """A picture as a person sees it, uint8 [1, H, W, C] with the field's C and any H and W.

    Raises:
        UserError: the file cannot be decoded.
    """
    picture = pictures.read(path, half).convert("L" if field.shape[2] == 1 else "RGB")
    return np.asarray(picture).reshape(1, picture.height, picture.width, -1)


MODALITY = Modality(
    name="image",
    to_model=to_model,
    from_model=from_model,
    thumbnails=thumbnails,
    sheet=sheet,
    watched=watched,
    shown=NUM_SHOWN,
    suffixes=(".png", ".jpg", ".jpeg", ".webp", ".npz"),
    write=write,
    reads=pictures.SUFFIXES,
    read=read,
    resize=resize,
    features="inception",
    metrics=("fid", "kid", "modes", "words", "r_precision", "pairs"),
)
