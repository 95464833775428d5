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
    for part in parse_ranges(text, flag, "numbers of layers and ranges, such as 0-3,6, or all"):
        if not part or part.stop > count:
            raise UserError(f"{flag}={text}: this generator has the layers 0 to {count - 1}")
        chosen[part.start : part.stop] = True
    return chosen


def parse_ranges(text: str, flag: str, what: str) -> list[range]:
    """Numbers and ranges, such as 1,2,5-8.

    Raises:
        UserError: it is written otherwise; `what` it must be.
    """
    parts = [re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", part.strip()) for part in text.split(",")]
    if not all(parts):
        raise UserError(f"{flag}={text}: must be {what}")
    return [range(int(part[1]), int(part[2] or part[1]) + 1) for part in parts]


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
