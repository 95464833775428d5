"""Parts of handwritten digits, by morphology: light ink on black, gray pictures of any size."""

import numpy as np

from gan_jax.concepts import Concepts
from gan_jax.errors import UserError
from gan_jax.modalities import Field

INK = 128  # the least level that is ink
NEAR = 2  # pixels around an end or a junction that belong to it


def concepts(rest: str, field: Field) -> Concepts:
    """Ink, holes, and the places around the ends and the junctions of strokes, found on their skeleton.

    Raises:
        UserError: the examples are no gray pictures.
    """
    if field.modality.name != "image" or field.shape[-1] != 1:
        raise UserError("--concepts=digits: they are of gray pictures")
    return Concepts(("ink", "hole", "end", "junction"), lambda stored: np.stack([*map(parts, stored)]))


def parts(picture: np.ndarray) -> np.ndarray:
    """Where the concepts are in a digit, uint8 [H, W, 1]: bool [H, W, 4].

    An end of the skeleton has one neighbor; a junction three or more branches.
    """
    from scipy import ndimage

    ink = picture[..., 0] >= INK
    skeleton = thinned(ink)
    around = _neighbors(skeleton)
    near = np.hypot(*np.mgrid[-NEAR : NEAR + 1, -NEAR : NEAR + 1]) <= NEAR + 0.5
    grown = lambda places: ndimage.binary_dilation(skeleton & places, near)
    hole = ndimage.binary_fill_holes(ink) & ~ink
    return np.stack([ink, hole, grown(around.sum(axis=0) == 1), grown(_runs(around) >= 3)], axis=-1)


def thinned(ink: np.ndarray) -> np.ndarray:
    """The skeleton of bool [H, W], a pixel wide, by the algorithm of Zhang and Suen 1984."""
    ink = ink.copy()
    while True:
        before = ink.copy()
        for sides in ((0, 2, 4), (2, 4, 6)), ((0, 2, 6), (0, 4, 6)):
            around = _neighbors(ink)
            count = around.sum(axis=0)
            open_to = [np.prod(around[list(side)], axis=0) == 0 for side in sides]
            ink &= ~((_runs(around) == 1) & (count >= 2) & (count <= 6) & open_to[0] & open_to[1])
        if (ink == before).all():
            return ink


def _neighbors(ink: np.ndarray) -> np.ndarray:
    """The eight neighbors of each pixel of [H, W], clockwise from the one above: int [8, H, W]."""
    height, width = ink.shape
    padded = np.pad(ink.astype(int), 1)
    around = [(0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0)]
    return np.stack([padded[y : y + height, x : x + width] for y, x in around])


def _runs(around: np.ndarray) -> np.ndarray:
    """How many runs of ink there are among the neighbors [8, H, W] of each pixel: int [H, W]."""
    return np.sum((around == 0) & (np.roll(around, -1, axis=0) == 1), axis=0)


CONCEPTS = concepts
