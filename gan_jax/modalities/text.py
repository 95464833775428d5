"""Captions: int32 [K, L], K of an example, each of up to L words, by their places among the field's names; 0: no word.

Networks get them as they are; a game draws one of the K, see `drawn`.
"""

import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import images
from gan_jax.data.captions import in_words
from gan_jax.files import ARRAYS_MARK, replacing
from gan_jax.modalities import Field, Modality
from gan_jax.noise import per_example

NUM_WATCHED = 64
COLUMNS = 24  # letters of a line in a picture


def to_model(stored, field: Field):
    """The numbers of the words."""
    return stored


def from_model(arrays, field: Field) -> np.ndarray:
    """The numbers of the words, int32."""
    return np.asarray(arrays, np.int32)


def drawn(captions: jax.Array, key: jax.Array, index: jax.Array) -> jax.Array:
    """One of each example's captions [B, K, L], drawn at random: [B, L]."""
    count = jnp.maximum(jnp.sum(captions[:, :, 0] > 0, axis=1), 1)
    chosen = jnp.floor(per_example(jax.random.uniform, key, index) * count).astype(jnp.int32)
    return jnp.take_along_axis(captions, chosen[:, None, None], axis=1)[:, 0]


def thumbnails(stored: np.ndarray, field: Field) -> np.ndarray:
    """The first caption of each, black on white: uint8 [n, H, W, 1]."""
    lines = ("\n".join(textwrap.wrap(words, COLUMNS)) for words in in_words(stored, field.names))
    return images.of_one_size([images.text(each) for each in lines])


def sheet(stored: np.ndarray, field: Field, *, labels=None, real=None, critic=None, title: str = "") -> np.ndarray:
    """A grid of them."""
    return images.grid(thumbnails(stored, field), smallest=1)


def watched(field: Field) -> int:
    """64 captions."""
    return NUM_WATCHED


def write(stored: np.ndarray, path: Path, field: Field, labels: np.ndarray | None = None) -> None:
    """An .npz file of "captions", or a text file of one a line."""
    with replacing(path) as file:
        if path.suffix.lower() == ".npz":
            np.savez_compressed(file, captions=np.array(in_words(stored, field.names)), **ARRAYS_MARK)
        else:
            file.write("".join(f"{words}\n" for words in in_words(stored, field.names)).encode())


MODALITY = Modality(
    name="text",
    to_model=to_model,
    from_model=from_model,
    thumbnails=thumbnails,
    sheet=sheet,
    watched=watched,
    suffixes=(".txt", ".npz"),
    write=write,
)
