"""What pictures may contain, such as windows or the ends of strokes, and where: a file for each way to tell it.

A module of this package, or any other that Python can import, has a `CONCEPTS`: `(rest, field) -> Concepts`, where
`rest` is what a person gives after a colon, such as a file. It raises UserError if they cannot be told of the field.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from gan_jax.errors import UserError
from gan_jax.lookup import import_by_name
from gan_jax.modalities import Field


class Concepts(NamedTuple):
    """Some concepts.

    Attributes:
        names: of K of them.
        masks: `stored examples [n, H, W, C] -> bool [n, H, W, K]`, where each is; None: that cannot be told.
        score: traced, of examples as networks have them: how much of each there is, float [n, K] in [0, 1], with
            gradients; None: there are none.
    """

    names: tuple[str, ...]
    masks: Callable[[np.ndarray], np.ndarray] | None = None
    score: Callable[[jax.Array], jax.Array] | None = None

    def amount(self, stored: np.ndarray, field: Field) -> np.ndarray:
        """How much of each concept is in each example: the share of its pixels, else the score. float64 [n, K]."""
        if self.masks:
            return self.masks(stored).mean(axis=(1, 2))
        return np.asarray(jax.jit(self.score)(field.modality.to_model(stored, field)), np.float64)


def open_concepts(text: str, field: Field) -> Concepts:
    """Concepts by name, such as "digits" or "segmenter:facades.npz".

    Raises:
        UserError: there are none of that name, or see `CONCEPTS`.
    """
    name, _, rest = text.partition(":")
    try:
        return import_by_name(sys.modules[__name__], name, "concepts", member="CONCEPTS")(rest, field)
    except UserError as error:
        raise UserError(str(error).replace("--config.concepts=", "--concepts=")) from None
