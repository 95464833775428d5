"""Clips: found in files and folders, decoded frame by frame, and parted into past and future frames."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_jax.data import pictures
from gan_jax.data.source import Source
from gan_jax.errors import UserError
from gan_jax.modalities import Field, lookup

if TYPE_CHECKING:
    from PIL import Image

FILES = (".gif", ".webp", ".mp4")  # each is a clip
FRAMES = (".png", ".jpg", ".jpeg", ".bmp")  # of a folder, which is a clip


def parse_frames(text: str) -> tuple[int, int]:
    """Reads the config's data.frames: "5+5" is (5, 5), how many are given and how many are to be predicted.

    Raises:
        UserError: it is not written so.
    """
    match = re.fullmatch(r"([1-9]\d*)\+([1-9]\d*)", text)
    if not match:
        raise UserError(f"--config.data.frames={text}: must be written GIVEN+PREDICTED, such as 5+5")
    return int(match[1]), int(match[2])


def parted(column: Callable[[range], Any], given: int, predicted: int, **fitted: Any) -> Source:
    """A data set of clips: "video", the frames to be predicted, and "input", those before them.

    Args:
        column: `range of frames -> column [N, T, H, W, C]` of these frames of each clip.
        given, predicted: frames.
        fitted: what is known of the clips, see `gan_jax.modalities.Field`: `perceptual`, the network whose maps of
            frames are compared, see `gan_jax.perceptual.open_perceptual`.
    """
    columns = {"video": column(range(given, given + predicted)), "input": column(range(given))}
    kind = lookup("video")
    return Source({name: Field(kind, own.shape[1:], (), fitted) for name, own in columns.items()}, columns)


def find(root: Path) -> list[Path]:
    """The clips in a folder, sorted, by their names there: files of `FILES`, and folders that hold `FRAMES`.

    The folder itself is "." if it is one. Hidden ones are passed over.
    """
    found = []
    for directory, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        inside, shown = Path(directory).relative_to(root), [name for name in names if not name.startswith(".")]
        found += [inside / name for name in shown if name.lower().endswith(FILES)]
        found += [inside] * any(name.lower().endswith(FRAMES) for name in shown)
    return sorted(found)


def frames_of(folder: Path) -> list[Path]:
    """The frames of a clip that is a folder, in the order of the numbers in their names: 2 comes before 10."""
    parts = lambda path: [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]
    shown = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted((path for path in shown if path.name.lower().endswith(FRAMES)), key=parts)


def decode(clip: Path) -> Iterator["Image.Image"]:
    """The frames of a clip, a file or a folder, as a person sees them: of mode "L" if they are gray by kind, or "RGB".

    A file's frames are taken one by one, however long each is shown.

    Raises:
        UserError: it cannot be decoded, frames differ in size, or a package is missing.
    """
    first = None
    try:
        for number, frame in enumerate(_decode(clip)):
            first = first or frame.size
            if frame.size != first:
                sizes = " but frame ".join(f"{n} is {h}x{w}" for n, (w, h) in ((0, first), (number, frame.size)))
                raise UserError(f"the frames of {clip} differ in size (height x width): frame {sizes}")
            yield frame
    except UserError:
        raise
    except Exception as error:  # a broken file makes Pillow raise nearly anything
        raise UserError(f"{clip} cannot be read ({pictures.brief(error)})") from None
    if first is None:
        raise UserError(f"{clip} holds no frames")


def _decode(clip: Path) -> Iterator["Image.Image"]:
    from PIL import Image, ImageSequence

    if clip.is_dir():
        yield from map(pictures.read, frames_of(clip))
    elif clip.suffix.lower() == ".mp4":
        with opened_mp4(clip) as container:
            yield from (frame.to_image() for frame in container.decode(video=0))
    else:
        with Image.open(clip) as file:
            yield from map(pictures.plain, ImageSequence.Iterator(file))


def opened_mp4(clip: Path) -> Any:
    """PyAV's container.

    Raises:
        UserError: that package is not installed.
    """
    try:
        import av
    except ImportError:
        raise UserError(f"{clip}: .mp4 needs another package: pip install 'gan_jax[video]'") from None
    return av.open(str(clip))
