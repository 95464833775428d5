"""Label maps: uint8 [H, W], the number of each pixel's class; to networks one-hot, [H, W, K] with K names of classes.

People see and keep them as pictures in the colors of `field.fitted["palette"]`, see `gan_jax.data.label_maps`.
"""

from pathlib import Path

import jax
import numpy as np

from gan_jax import images
from gan_jax.data import label_maps, pictures
from gan_jax.errors import UserError
from gan_jax.files import save_arrays
from gan_jax.modalities import Field, Modality
from gan_jax.modalities import image as image_modality


def to_model(stored, field: Field):
    """uint8 [..., H, W] -> float32 [..., H, W, K], of 0 and 1."""
    return jax.nn.one_hot(stored, len(field.names))


def from_model(arrays, field: Field) -> np.ndarray:
    """Scores [..., H, W, K] -> the class of the highest, uint8."""
    return np.asarray(arrays).argmax(axis=-1).astype(np.uint8)


def thumbnails(stored: np.ndarray, field: Field) -> np.ndarray:
    """In the colors of the palette: uint8 [n, H, W, 3]."""
    return label_maps.of_field(field).colors[stored]


def sheet(stored: np.ndarray, field: Field, *, labels=None, real=None, critic=None, title: str = "") -> np.ndarray:
    """A grid of them, as of pictures."""
    return image_modality.sheet(thumbnails(stored, field), field, labels=labels)


def resize(stored: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """[n, H, W] of another size: each pixel is of the class of the nearest."""
    return stored if size is None else np.stack([label_maps.fitted(each, size, "stretch") for each in stored])


def write(stored: np.ndarray, path: Path, field: Field, labels: np.ndarray | None = None) -> None:
    """An .npz file of "maps", their "names" and "palette", or a picture: one map as it is, or a `sheet` of many."""
    if path.suffix.lower() == ".npz":
        save_arrays(path, maps=stored, names=np.array(field.names), palette=label_maps.of_field(field).colors)
    else:
        images.save(thumbnails(stored, field)[0] if len(stored) == 1 else sheet(stored, field), path, mark=True)


def read(path: Path, field: Field, half: int | None = None) -> np.ndarray:
    """A label map from a picture in the palette's colors, uint8 [1, H, W] with any H and W.

    Raises:
        UserError: the file cannot be decoded, or has other colors.
    """
    picture = pictures.read(path, half).convert("RGB")
    try:
        return label_maps.certain_classes_of(np.asarray(picture), label_maps.of_field(field))[0][None]
    except UserError as error:
        raise UserError(f"{path} is no label map: {error}") from None


MODALITY = Modality(
    name="segmentation",
    to_model=to_model,
    from_model=from_model,
    thumbnails=thumbnails,
    sheet=sheet,
    watched=image_modality.watched,
    shown=image_modality.NUM_SHOWN,
    suffixes=(".png", ".npz"),
    write=write,
    reads=pictures.SUFFIXES,
    read=read,
    resize=resize,
    interpolation="nearest",
)
