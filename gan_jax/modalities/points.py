"""Points: float32 [2], in the plane, to networks as they are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan_jax import images
from gan_jax.files import save_arrays
from gan_jax.modalities import Field, Modality

NUM_WATCHED = 2000
THUMBNAIL, DOT = 56, 3  # pixels


def to_model(stored, field: Field):
    """The points."""
    return stored


def from_model(arrays, field: Field) -> np.ndarray:
    """The points, float32."""
    return np.asarray(arrays, np.float32)


def thumbnails(stored: np.ndarray, field: Field) -> np.ndarray:
    """A dot each, in a square that holds them all: uint8 [n, 56, 56, 1], white on black."""
    place = (stored / _reach(stored) + 1) / 2 * (THUMBNAIL - 1)
    x, y = (np.abs(np.arange(THUMBNAIL) - place[:, axis, None]) <= DOT / 2 for axis in (0, 1))
    return np.uint8(255) * (y[:, ::-1, None, None] & x[:, None, :, None])


def sheet(
    stored: np.ndarray,
    field: Field,
    *,
    labels: np.ndarray | None = None,
    real: np.ndarray | None = None,
    critic: Callable | None = None,
    title: str = "",
) -> np.ndarray:
    """Two distributions in the plane over what the discriminator says of each place (Kahng et al. 2018, GAN Lab).

    Args:
        stored: [M, 2], generated.
        field: of the points.
        labels: not shown.
        real: [N, 2], or None.
        critic: points [K, 2] -> the discriminator's logits [K]; drawn from "generated" to "real" around the midpoint of
            its means over the two sets. None, or no real points: not drawn.
        title: over the picture.

    Returns:
        uint8 [600, 600, 3]
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    reach = _reach(stored if real is None else real)
    figure = Figure((6, 6), dpi=100, layout="constrained")
    canvas, axes = FigureCanvasAgg(figure), figure.add_subplot()
    if critic is not None and real is not None:
        x, y = np.meshgrid(*[np.linspace(-reach, reach, 200)] * 2)
        values = np.asarray(critic(np.stack([x.ravel(), y.ravel()], -1).astype(np.float32)))
        values = values - (np.mean(critic(real)) + np.mean(critic(stored))) / 2
        limit = np.quantile(np.abs(values), 0.9)
        colors = {"cmap": "PRGn", "vmin": -limit, "vmax": limit, "alpha": 0.6}
        axes.imshow(values.reshape(x.shape), origin="lower", extent=[-reach, reach] * 2, **colors)
    if real is not None:
        axes.scatter(*real.T, s=4, c="tab:green", label="real")
    axes.scatter(*stored.T, s=4, c="tab:purple", label="generated")
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
    axes.legend(loc="upper right", markerscale=3)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _reach(points: np.ndarray) -> float:
    """Half of the side of a square around the origin that holds them."""
    return 1.3 * max(np.abs(points).max(), 1e-3)


def watched(field: Field) -> int:
    """2,000 points, all of which are shown."""
    return NUM_WATCHED


def write(stored: np.ndarray, path: Path, field: Field, labels: np.ndarray | None = None) -> None:
    """An .npz file of "points" and "labels", or a scatter plot in any format that Pillow writes."""
    if path.suffix.lower() == ".npz":
        save_arrays(path, points=stored, labels=labels)
    else:
        images.save(sheet(stored, field), path, mark=True)


MODALITY = Modality(
    name="points",
    to_model=to_model,
    from_model=from_model,
    thumbnails=thumbnails,
    sheet=sheet,
    watched=watched,
    suffixes=(".png", ".jpg", ".jpeg", ".webp", ".npz"),
    write=write,
    features="points",
    metrics=("dc", "modes"),
)
