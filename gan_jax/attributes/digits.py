"""What a handwritten digit looks like: light ink on black, gray pictures of any size.

Reference: Castro et al. 2019 (Morpho-MNIST), which names the attributes; here they are moments, which need no skeleton.
"""

import numpy as np

from gan_jax.attributes import Attributes
from gan_jax.errors import UserError
from gan_jax.modalities import Field

FINER = 4  # times as many pixels for distances, which are whole numbers at an edge
INK = 0.5  # the least share of white that is ink
SPECK = 0.001  # the share of the picture below which a hole is none
STRAIGHT = 12**0.5  # a bar's length, in standard deviations of the places in it


def attributes(rest: str, field: Field) -> Attributes:
    """Slant, thickness, width, height and holes.

    Raises:
        UserError: the examples are no gray pictures.
    """
    if field.modality.name != "image" or field.shape[-1] != 1:
        raise UserError("--attributes=digits: they are of gray pictures")
    return Attributes(
        ("slant", "thickness", "width", "height", "holes"), lambda stored: np.stack([*map(measured, stored)])
    )


def measured(picture: np.ndarray) -> np.ndarray:
    """Of one digit, uint8 [H, W, 1]: [5], all 0 of a picture without ink.

    - slant: the tangent of the angle between the axis of the digit and the vertical, > 0 if it leans to the right;
    - thickness of its strokes, its width across the slant, and its height, in pixels;
    - holes: how many there are.
    """
    from scipy import ndimage

    gray = picture[..., 0] / 255.0
    ink = np.pad(ndimage.zoom(gray, FINER, order=1, grid_mode=True, mode="nearest") >= INK, 1)
    if not ink.any():
        return np.zeros(5)
    y, x = np.indices(gray.shape)
    share = gray / gray.sum()
    mean = lambda values: np.sum(share * values)
    y, x = y - mean(y), x - mean(x)
    slant = -mean(x * y) / mean(y * y)
    width = STRAIGHT * np.sqrt(mean((x + slant * y) ** 2))
    # Across a bar the distance to the edge rises to half of its thickness and falls again: a quarter in the mean.
    thickness = 4 * ndimage.distance_transform_edt(ink)[ink].mean() / FINER
    sizes = np.bincount(ndimage.label(~ink)[0].ravel())[1:]
    holes = np.sum(sizes >= SPECK * ink.size) - 1  # but for what is around it
    return np.array([slant, thickness, width, STRAIGHT * np.sqrt(mean(y * y)), holes])


ATTRIBUTES = attributes
