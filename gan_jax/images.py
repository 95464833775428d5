"""Images at the borders: uint8 outside, float in [-1, 1] inside; grids, pictures of points, animations."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.files import replacing


def to_float(images: jax.Array) -> jax.Array:
    """uint8 in [0, 255] -> float32 in [-1, 1]; floats (points) as they are."""
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


def draw_points(real: np.ndarray | None, fake: np.ndarray, field=None, title: str = "") -> np.ndarray:
    """Two distributions in the plane over what the discriminator says of each place (Kahng et al. 2018, GAN Lab).

    Args:
        real: [N, 2], or None.
        fake: [M, 2].
        field: points [K, 2] -> the discriminator's logits [K]; drawn from "generated" to "real" around the midpoint of
            its means over the two sets. None: not drawn.
        title: over the picture.

    Returns:
        uint8 [600, 600, 3]
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    reach = 1.3 * max(np.abs(fake if real is None else real).max(), 1e-3)
    figure = Figure((6, 6), dpi=100, layout="constrained")
    canvas, axes = FigureCanvasAgg(figure), figure.add_subplot()
    if field is not None:
        x, y = np.meshgrid(*[np.linspace(-reach, reach, 200)] * 2)
        values = np.asarray(field(np.stack([x.ravel(), y.ravel()], -1).astype(np.float32)))
        values = values - (np.mean(field(real)) + np.mean(field(fake))) / 2
        limit = np.quantile(np.abs(values), 0.9)
        colours = {"cmap": "PRGn", "vmin": -limit, "vmax": limit, "alpha": 0.6}
        axes.imshow(values.reshape(x.shape), origin="lower", extent=[-reach, reach] * 2, **colours)
    if real is not None:
        axes.scatter(*real.T, s=4, c="tab:green", label="real")
    axes.scatter(*fake.T, s=4, c="tab:purple", label="generated")
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
    axes.legend(loc="upper right", markerscale=3)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save(picture: np.ndarray, path: Path) -> None:
    """Writes uint8 [H, W, 1 or 3] in the format that the path's extension names; the file appears complete or not."""
    from PIL import Image

    with replacing(path) as file:
        # Without chroma subsampling JPEG's colours are as sharp as its greys. Other formats ignore the options.
        image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
        image.save(file, quality=95, subsampling=0) if path.suffix.lower() in (".jpg", ".jpeg") else image.save(file)


def save_animation(pictures: list[Path], path: Path, seconds: float = 8.0, most: int = 80) -> None:
    """A GIF of at most `most` of the pictures, evenly chosen, the last one shown longer."""
    from PIL import Image

    chosen = [pictures[i] for i in np.unique(np.linspace(0, len(pictures) - 1, most).round().astype(int))]
    frames = [Image.open(picture).convert("RGB").quantize(64) for picture in chosen]
    pause = max(20, int(1000 * seconds / len(frames)))
    _save_frames(frames, [pause] * (len(frames) - 1) + [2000], path)


def save_turns(pictures: list[np.ndarray], path: Path) -> None:
    """A GIF of uint8 pictures [H, W, 1 or 3] of one size, each shown for a second, over and over."""
    from PIL import Image

    frames = [Image.fromarray(picture.repeat(3 // picture.shape[-1], axis=-1)).quantize(256) for picture in pictures]
    _save_frames(frames, [1000] * len(frames), path)


def _save_frames(frames: list, milliseconds: list[int], path: Path) -> None:
    with replacing(path) as file:
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
