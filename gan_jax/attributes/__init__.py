"""What can be measured of an example as one number each, such as the slant of a digit, a file for each kind of example.

A module of this package, or any other that Python can import, has an `ATTRIBUTES`: `(rest, field) -> Attributes`, where
`rest` is what a person gives after a colon, such as a file. It raises UserError if they cannot be measured.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_jax.errors import UserError
from gan_jax.lookup import import_by_name
from gan_jax.modalities import Field


class Attributes(NamedTuple):
    """Some attributes.

    Attributes:
        names: of K of them.
        measure: `stored examples [n, ...] -> float64 [n, K]`.
    """

    names: tuple[str, ...]
    measure: Callable[[np.ndarray], np.ndarray]


def open_attributes(text: str, field: Field) -> Attributes:
    """All attributes of a list, such as "digits,classifier:age.npz".

    Raises:
        UserError: there is none of that name, or two have one name, or see `ATTRIBUTES`.
    """
    found = []
    for each in text.split(","):
        name, _, rest = each.partition(":")
        try:
            found.append(import_by_name(sys.modules[__name__], name, "attributes", member="ATTRIBUTES")(rest, field))
        except UserError as error:
            raise UserError(str(error).replace("--config.attributes=", "--attributes=")) from None
    names = tuple(name for each in found for name in each.names)
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"--attributes={text}: two of them are named {twice[0]}")
    return Attributes(names, lambda stored: np.concatenate([each.measure(stored) for each in found], axis=1))


def default_attributes(field: Field) -> str | None:
    """The attributes of examples that say what they are: of digits, as their classifier is what measures them."""
    return "digits" if field.fitted.get("features") == "classifier" and field.shape[-1] == 1 else None
