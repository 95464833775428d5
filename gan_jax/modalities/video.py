"""Clips: uint8 [T, H, W, C], C 1 (gray) or 3, float in [-1, 1] to networks; to people film strips and animations."""

from collections import deque
from pathlib import Path

import numpy as np

from gan_jax import images
from gan_jax.data import clips, pictures
from gan_jax.errors import UserError
from gan_jax.files import save_arrays
from gan_jax.modalities import Field, Modality
from gan_jax.modalities import image as image_modality

FPS = 10  # frames a second of animations


def thumbnails(stored: np.ndarray, field: Field) -> np.ndarray:
    """Film strips, the frames from left to right: uint8 [n, H, T W, C]."""
    n, _, height, _, channels = stored.shape
    return stored.swapaxes(1, 2).reshape(n, height, -1, channels)


def sheet(stored: np.ndarray, field: Field, *, labels=None, real=None, critic=None, title: str = "") -> np.ndarray:
    """Their film strips, one beneath the other."""
    return images.grid(thumbnails(stored, field), columns=1)


def write(stored: np.ndarray, path: Path, field: Field, labels: np.ndarray | None = None) -> None:
    """An .npz file of "videos", film strips as .png, or an animation, .gif, .webp or .mp4, of many side by side.

    Raises:
        UserError: it is .mp4 and a package is missing.
    """
    if path.suffix.lower() == ".npz":
        save_arrays(path, videos=stored)
    elif path.suffix.lower() == ".png":
        images.save(thumbnails(stored, field)[0] if len(stored) == 1 else sheet(stored, field), path, mark=True)
    else:
        frames = stored[0] if len(stored) == 1 else np.stack([images.grid(each) for each in stored.swapaxes(0, 1)])
        images.save_video(frames, path, FPS)


def resize(stored: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """[n, T, H, W, C] of another size, stretched; see `pictures.resize`."""
    frames = pictures.resize(stored.reshape(-1, *stored.shape[2:]), size, "stretch")
    return frames.reshape(*stored.shape[:2], *frames.shape[1:])


def read(path: Path, field: Field, half: int | None = None) -> np.ndarray:
    """The last frames of a clip, as many as the field's, uint8 [1, T, H, W, C] with the field's C and any H and W.

    Args:
        path: a file, or a folder of frames.
        field: of clips.
        half: clips have none.

    Raises:
        UserError: it cannot be decoded, or is too short.
    """
    length, _, _, channels = field.shape
    mode = "L" if channels == 1 else "RGB"
    last = deque((np.asarray(frame.convert(mode)) for frame in clips.decode(path)), maxlen=length)
    if len(last) < length:
        raise UserError(f"{path} has {len(last)} frames, the next ones are made of {length}")
    stacked = np.stack(last)
    return stacked.reshape(1, *stacked.shape[:3], channels)


MODALITY = Modality(
    name="video",
    to_model=image_modality.to_model,
    from_model=image_modality.from_model,
    thumbnails=thumbnails,
    sheet=sheet,
    watched=image_modality.watched,
    shown=8,
    suffixes=(".gif", ".webp", ".mp4", ".png", ".npz"),
    write=write,
    reads=clips.FILES,
    read=read,
    find=clips.find,
    resize=resize,
    size=lambda shape: shape[1:3],
    features="pixels",
    metrics=("frames",),
)
