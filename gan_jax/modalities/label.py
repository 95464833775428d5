"""Classes: int32 in [0, K), named by the field; to networks as they are, or as weights over the classes, [K]."""

from pathlib import Path

import numpy as np

from gan_jax import images
from gan_jax.files import ARRAYS_MARK, replacing
from gan_jax.modalities import Field, Modality

NUM_WATCHED = 64


def to_model(stored, field: Field):
    """The numbers of the classes."""
    return stored


def from_model(arrays, field: Field) -> np.ndarray:
    """The likeliest class of each example, int32 [n], by logits [n, K]; classes as they are."""
    arrays = np.asarray(arrays)
    return (arrays if np.issubdtype(arrays.dtype, np.integer) else arrays.argmax(axis=-1)).astype(np.int32)


def thumbnails(stored: np.ndarray, field: Field) -> np.ndarray:
    """The names of the classes, black on white: uint8 [n, H, W, 1]."""
    numbers, which = np.unique(stored, return_inverse=True)
    names = (field.names[label] if label < len(field.names) else str(label) for label in numbers)
    return images.of_one_size([images.text(name) for name in names])[which]


def sheet(stored: np.ndarray, field: Field, *, labels=None, real=None, critic=None, title: str = "") -> np.ndarray:
    """A grid of their names."""
    return images.grid(thumbnails(stored, field), smallest=1)


def watched(field: Field) -> int:
    """64 labels."""
    return NUM_WATCHED


def write(stored: np.ndarray, path: Path, field: Field, labels: np.ndarray | None = None) -> None:
    """An .npz file of "labels", or a text file with the name of one class a line."""
    with replacing(path) as file:
        if path.suffix.lower() == ".npz":
            np.savez_compressed(file, labels=stored, **ARRAYS_MARK)
        else:
            file.write("".join(f"{field.names[label]}\n" for label in stored).encode())


MODALITY = Modality(
    name="label",
    to_model=to_model,
    from_model=from_model,
    thumbnails=thumbnails,
    sheet=sheet,
    watched=watched,
    suffixes=(".txt", ".npz"),
    write=write,
    metrics=("classify",),
)
