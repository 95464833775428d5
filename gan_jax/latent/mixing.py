"""Latents that are made of several, layer by layer."""

import re

import numpy as np

from gan_jax.errors import UserError


def parse_layers(text: str, count: int, flag: str = "--layers") -> np.ndarray:
    """Which layers are meant: bool [count].

    Args:
        text: numbers from 0 and ranges, such as 0-3,6; all: every layer.
        count: of layers.
        flag: what the text was given by, for messages.

    Raises:
        UserError: it is written otherwise, or there is no such layer.
    """
    chosen = np.zeros(count, bool)
    if text == "all":
        return ~chosen
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if not match:
            raise UserError(f"{flag}={text}: must be numbers of layers and ranges, such as 0-3,6, or all")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < count:
            raise UserError(f"{flag}={text}: this generator has the layers 0 to {count - 1}")
        chosen[first : last + 1] = True
    return chosen


def mix(rows: np.ndarray, columns: np.ndarray, layers: np.ndarray) -> np.ndarray:
    """Every row with every column: the chosen layers of the column, all others of the row.

    Args:
        rows: [R, L, f].
        columns: [C, L, f].
        layers: bool [L].

    Returns:
        [R, C, L, f]

    Reference: Karras et al. 2019 (StyleGAN), section 3.1.
    """
    return np.where(layers[:, None], columns[None], rows[:, None])
