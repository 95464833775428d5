"""A person's own clips: animations, videos, and folders of frames."""

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.data import clips, pictures
from gan_jax.data.cache import cached
from gan_jax.data.source import Source
from gan_jax.errors import UserError

FORM = "clips:PATH"


def open_source(path: str, config: Any) -> Source:
    """All GIF, WebP and MP4 files in a folder and the folders in it, and all folders of PNG, JPEG or BMP frames.

    A clip that is longer than `config.frames` is cut into windows one after the other, without overlap; what is left at
    its end is not used. Frames are gray if those of all clips are so by kind, else in color.

    Args:
        path: the folder; ~ is expanded.
        config: the config's `data`: `frames`, and `image_size` and `fit` of each frame.

    Returns:
        A source that is decoded at its first opening and comes from the cache ever after.

    Raises:
        UserError: there is no clip, a broken or a short one, or sizes differ and `image_size` is "native".
    """
    root, (given, predicted) = Path(path).expanduser().absolute(), clips.parse_frames(config.frames)
    if not root.is_dir():
        raise UserError(f"no such folder: {root}")
    names = clips.find(root)
    if not names:
        raise UserError(
            f"no clips in {root}: it must hold {', '.join(clips.FILES)} files, or folders of {', '.join(clips.FRAMES)}"
        )
    size, length = pictures.parse_size(config.image_size), given + predicted
    places = [root / name for name in names]
    files = [file for place in places for file in (clips.frames_of(place) if place.is_dir() else [place])]
    stamps = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    key = "clips", stamps, size, config.fit
    images, owners = cached(key, len(files), lambda: _decoded(root, names, size, config.fit))
    lengths = np.bincount(owners, minlength=len(names))
    if (fewest := lengths.min()) < length:
        raise UserError(
            f"{places[lengths.argmin()]} has {fewest} frames, --config.data.frames={config.frames} takes {length}: "
            "remove it, or ask for fewer"
        )
    begins = np.cumsum(lengths) - lengths
    starts = [begin + np.arange(0, own - length + 1, length) for begin, own in zip(begins, lengths, strict=True)]
    return clips.parted(partial(Windows, images, np.concatenate(starts)), given, predicted)


def _decoded(
    root: Path, names: list[Path], size: tuple[int, int] | None, fit: str
) -> Iterator[tuple[np.ndarray, list]]:
    """The frames of one clip after the other, uint8 [T, H, W, C], and the number of the clip beside each."""
    first, mode = None, "L" if all(next(clips.decode(root / name)).mode == "L" for name in names) else "RGB"
    for number, name in enumerate(names):
        frames = [np.asarray(pictures.fitted(frame, size, fit).convert(mode)) for frame in clips.decode(root / name)]
        first = first or (name, frames[0].shape)
        if frames[0].shape != first[1]:
            sizes = " but ".join(f"{n} is {s[0]}x{s[1]}" for n, s in (first, (name, frames[0].shape)))
            raise UserError(f"clips in {root} differ in size (height x width): {sizes}: set --config.data.image_size=N")
        yield np.stack(frames).reshape(len(frames), *first[1][:2], -1), [number] * len(frames)


@dataclasses.dataclass(frozen=True)
class Windows:
    """Some frames of each window.

    Attributes:
        images: uint8 [F, H, W, C], the frames of all clips.
        starts: int [N], where each window begins.
        part: of its frames.
    """

    images: np.ndarray
    starts: np.ndarray
    part: range

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.starts), len(self.part), *self.images.shape[1:])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.images[self.starts[rows][:, None] + np.array(self.part)]
