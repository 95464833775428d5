"""Images at the borders: uint8 outside, float in [-1, 1] inside; grids, sheets with titles, animations."""

import math
import tempfile
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import __version__
from gan_jax.data.pictures import like
from gan_jax.errors import UserError
from gan_jax.files import MARK, picture_mark, replacing

MARGIN = 4  # pixels beside words, and between columns


def to_float(images: jax.Array) -> jax.Array:
    """uint8 in [0, 255] -> float32 in [-1, 1]; floats as they are."""
    return images.astype(jnp.float32) / 127.5 - 1 if images.dtype == jnp.uint8 else images


def to_uint8(images: np.ndarray) -> np.ndarray:
    """float in [-1, 1], values beyond clipped -> uint8 in [0, 255], rounded to the nearest."""
    return np.rint((np.clip(np.asarray(images, np.float32), -1, 1) + 1) * 127.5).astype(np.uint8)


def grid(images: np.ndarray, columns: int | None = None, smallest: int = 56) -> np.ndarray:
    """Images side by side, row by row.

    Args:
        images: uint8 [N, H, W, C], C = 1 or 3.
        columns: of the grid; by default as many as make it about square.
        smallest: each image is enlarged by a whole factor until its shorter side has at least so many pixels.

    Returns:
        uint8 [rows * H', columns * W', C]; places without an image are black.
    """
    n, h, w, c = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    images = np.concatenate([images, np.zeros((rows * columns - n, h, w, c), np.uint8)])
    sheet = images.reshape(rows, columns, h, w, c).transpose(0, 2, 1, 3, 4).reshape(rows * h, columns * w, c)
    factor = max(1, math.ceil(smallest / min(h, w)))
    return sheet.repeat(factor, axis=0).repeat(factor, axis=1)


def text(words: str, size: int = 14) -> np.ndarray:
    """Words, black on white, centered.

    Args:
        words: to be shown, in one or several lines.
        size: of the letters, in pixels.

    Returns:
        uint8 [H, W, 1]
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size)
    ascent, descent = font.getmetrics()
    drawn = []
    for line in words.split("\n"):
        width = math.ceil(font.getlength(line))
        picture = Image.new("L", (width + 2 * MARGIN, ascent + descent + 2), "white")
        ImageDraw.Draw(picture).text((MARGIN, 1), line, fill="black", font=font)
        drawn.append(np.asarray(picture)[..., None])
    width = max(picture.shape[1] for picture in drawn)
    return np.concatenate([centered(picture, picture.shape[0], width) for picture in drawn])


def centered(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 [h, w, C] in the middle of white uint8 [height, width, C]; it is not larger."""
    h, w, c = picture.shape
    top, left = (height - h) // 2, (width - w) // 2
    around = np.full((height, width, c), 255, np.uint8)
    around[top : top + h, left : left + w] = picture
    return around


def of_one_size(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 pictures [h, w, C], each in the middle of white of the size of the largest: [n, H, W, C]."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    return np.stack([centered(picture, height, width) for picture in pictures])


def captioned_grid(images: np.ndarray, captions: Sequence[str], smallest: int = 112) -> np.ndarray:
    """A `grid` of images with a caption under each: uint8 [H, W, 3], on white."""
    factor = max(1, math.ceil(smallest / min(images.shape[1:3])))
    images = images.repeat(3 // images.shape[3], axis=3).repeat(factor, axis=1).repeat(factor, axis=2)
    letters = max(images.shape[2] // 7, 8)  # in the width of an image
    words = of_one_size([text("\n".join(textwrap.wrap(caption, letters)), 12) for caption in captions])
    width = max(images.shape[2] + 2 * MARGIN, words.shape[2])
    cells = []
    for image, caption in zip(images, words, strict=True):
        above = centered(image, image.shape[0] + 2 * MARGIN, width)
        cells.append(np.concatenate([above, centered(caption, len(caption), width).repeat(3, axis=2)]))
    across = math.ceil(math.sqrt(len(cells)))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % across)
    return grid(np.stack(cells), across, smallest=1)


def titled_sheet(columns: dict[str, np.ndarray], smallest: int = 56) -> np.ndarray:
    """Pictures in columns, a row an example, with a title over each column.

    Args:
        columns: {title: uint8 [n, h, w, c]}, c 1 or 3. Smaller pictures are enlarged to the size of the largest, by
            bicubic interpolation, without a change of proportions.
        smallest: all are then enlarged by a whole factor until their shorter side has at least so many pixels.

    Returns:
        uint8 [H, W, 3]; places without a picture are white.
    """
    height, width = (max(pictures.shape[axis] for pictures in columns.values()) for axis in (1, 2))
    rows, factor = max(map(len, columns.values())), max(1, math.ceil(smallest / min(height, width)))
    parts = []
    for title, pictures in columns.items():
        n, h, w, _ = pictures.shape
        scale = min(height / h, width / w)
        pictures = like(pictures, (round(h * scale), round(w * scale), 3)).repeat(factor, axis=1).repeat(factor, axis=2)
        head = text(title)
        head = centered(head, head.shape[0], max(head.shape[1], pictures.shape[2])).repeat(3, axis=2)
        cells = [centered(picture, factor * height, head.shape[1]) for picture in pictures]
        blank = np.full((factor * height, head.shape[1], 3), 255, np.uint8)
        parts.append(np.concatenate([head, *cells, *[blank] * (rows - n)]))
        parts.append(np.full((len(parts[0]), MARGIN, 3), 255, np.uint8))
    return np.concatenate(parts[:-1], axis=1)


def save(picture: np.ndarray, path: Path, mark: bool = False) -> None:
    """Writes uint8 [H, W, 1 or 3] in the format that the path's extension names; the file appears complete or not.

    `mark` says in its metadata that this library made it, see `gan_jax.files.claim`.
    """
    from PIL import Image

    # Without chroma subsampling JPEG's colors are as sharp as its grays.
    options = {"quality": 95, "subsampling": 0} if path.suffix.lower() in (".jpg", ".jpeg") else {}
    options |= picture_mark(path.suffix) if mark else {}
    with replacing(path) as file:
        Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(file, **options)


def save_animation(pictures: list[Path], path: Path, seconds: float = 8.0, most: int = 80) -> None:
    """A GIF of at most `most` of the pictures, evenly chosen, the last one shown longer."""
    from PIL import Image

    chosen = [pictures[i] for i in np.unique(np.linspace(0, len(pictures) - 1, most).round().astype(int))]
    frames = [Image.open(picture).convert("RGB").quantize(64) for picture in chosen]
    pause = max(20, int(1000 * seconds / len(frames)))
    _save_frames(frames, [pause] * (len(frames) - 1) + [2000], path)


def save_turns(pictures: list[np.ndarray], path: Path) -> None:
    """A GIF of uint8 pictures [H, W, 1 or 3] of one size, each shown for a second, over and over; marked."""
    from PIL import Image

    frames = [Image.fromarray(picture.repeat(3 // picture.shape[-1], axis=-1)).quantize(256) for picture in pictures]
    _save_frames(frames, [1000] * len(frames), path, **picture_mark(".gif"))


def save_video(frames: np.ndarray, path: Path, fps: float) -> None:
    """Frames as a video, over and over: .gif, .webp, .mp4, or .png, all of them side by side; marked.

    Args:
        frames: uint8 [F, H, W, 1 or 3].
        path: of the file.
        fps: frames a second.

    Raises:
        UserError: it is a .mp4, for which imageio-ffmpeg is needed.
    """
    from PIL import Image

    frames = frames.repeat(3 // frames.shape[-1], axis=-1)
    match path.suffix.lower():
        case ".png":
            save(np.concatenate(list(frames), axis=1), path, mark=True)
        case ".mp4":
            _save_mp4(frames, path, fps)
        case suffix:
            pictures, options = [Image.fromarray(frame) for frame in frames], picture_mark(suffix)
            if suffix == ".gif":
                _save_frames([each.quantize(256) for each in pictures], [1000 / fps] * len(frames), path, **options)
                return
            with replacing(path) as file:
                more = {"append_images": pictures[1:], "duration": round(1000 / fps), "loop": 0, "quality": 90}
                pictures[0].save(file, "WEBP", save_all=True, **more, **options)


def _save_mp4(frames: np.ndarray, path: Path, fps: float) -> None:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise UserError(f"--out={path}: .mp4 needs another package: pip install 'gan_jax[video]'") from None
    frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # H.264 has half as many colors
    with tempfile.TemporaryDirectory() as folder:
        made, size = Path(folder) / "video.mp4", (frames.shape[2], frames.shape[1])
        mark = ["-metadata", f"comment={MARK} {__version__}"]
        writer = imageio_ffmpeg.write_frames(
            str(made), size, fps=fps, quality=8, macro_block_size=2, output_params=mark
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of JAX, about a fork: another program follows it at once
            writer.send(None)
        for frame in frames:
            writer.send(np.ascontiguousarray(frame))
        writer.close()
        with replacing(path) as file:
            file.write(made.read_bytes())


def _save_frames(frames: list, milliseconds: list[int], path: Path, **options) -> None:
    with replacing(path) as file:
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0, **options)
