"""Digits in colors, with captions: what a picture of words is worth can be measured word by word.

The packaged digits are drawn thin or thick, upright or leaning, in one of six colors on another one, at one of five
places. Captions are of a small grammar with synonyms, and say the digit and the colors always, the others half of the
time. One color of each digit is held out, so that a combination of words is asked for that training never showed.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from gan_jax.data import captions, pictures
from gan_jax.data.cache import cached
from gan_jax.data.source import Source
from gan_jax.data.sources.digits import SIDE, digits
from gan_jax.errors import UserError
from gan_jax.modalities import Field, lookup

FORM = "captioned_digits:SET"
NATIVE = 32  # pixels
FINER = 2  # times as many for distances, which are whole numbers at an edge
BOX = 0.68  # of the picture, the side of the digit's own 28 pixels
CHUNK = 1000  # pictures that are drawn at a time
EXPLICIT = 3  # of the attributes, the first, that each caption says

# What there is to say, and in which words.
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COLORS = {
    "red": (214, 39, 40), "green": (44, 160, 44), "blue": (31, 90, 200),
    "yellow": (250, 210, 40), "white": (245, 245, 245), "black": (20, 20, 20),
}  # fmt: skip
WORDS = {
    "digit": [(name, str(number)) for number, name in enumerate(DIGITS)],
    "color": [(name,) for name in COLORS],
    "background": [(name,) for name in COLORS],
    "thickness": [("thin", "fine", "slim"), ("thick", "bold", "fat")],
    "tilt": [("left-leaning", "backward"), ("upright", "straight"), ("right-leaning", "slanted")],
    "place": [
        ("at the top left", "in the upper left corner"),
        ("at the top right", "in the upper right corner"),
        ("at the bottom left", "in the lower left corner"),
        ("at the bottom right", "in the lower right corner"),
        ("in the middle", "in the center"),
    ],
}  # fmt: skip
PLACES = 0.15 * np.array([(-1, -1), (-1, 1), (1, -1), (1, 1), (0, 0)])  # of the picture, from its middle: y, x
HALF_WIDTHS = (0.8, 1.9)  # of a stroke, of the digit's own pixels
SHEARS = (-0.5, 0.0, 0.5)
# Pictures of a set, the packaged digits that they are drawn of, and which combinations of digit and color.
SETS = {
    "seen": (100_000, range(9000), "seen"),
    "test": (2_000, range(9000, 10_000), "seen"),
    "unseen": (2_000, range(9000, 10_000), "unseen"),
    "all": (200_000, range(9000), "all"),
}


def open_source(rest: str, config: Any) -> Source:
    """uint8 [32, 32, 3], or of `image_size`; two captions each; and what they say, a field each, see `WORDS`: int32,
    -1 where neither caption says it.

    Args:
        rest: "seen", to train on; "test", other digits in the same combinations; "unseen", in those that were held out;
            "all", both, to train on what measures.
        config: the config's `data`.

    Raises:
        UserError: there is no such set, or pictures would not be square.
    """
    if rest not in SETS:
        raise UserError(f"--config.data.source=captioned_digits:{rest}: must be one of {', '.join(SETS)}")
    size = pictures.parse_size(config.image_size) or (NATIVE, NATIVE)
    if size[0] != size[1]:
        raise UserError(f"--config.data.image_size={config.image_size}: captioned digits are square")
    rng, base = np.random.default_rng(list(SETS).index(rest)), digits()
    rows, values = drawn_attributes(rng, rest, base.labels)
    said = rng.random((len(rows), len(WORDS))) < 0.5
    said[:, :EXPLICIT] = True
    texts = [[caption(rng, *each) for _ in range(2)] for each in zip(values, said, strict=True)]
    images, _ = cached(
        ("captioned digits", 1, rest, len(rows), size),
        len(rows),
        lambda: _drawn(rng, base.columns["image"], rows, values, size[0]),
    )
    told = np.where(said, values, -1).astype(np.int32)
    names = {name: tuple(each[0] for each in classes) for name, classes in WORDS.items()}
    fields = {"image": Field(lookup("image"), images.shape[1:], (), {"features": "matcher"})}
    fields |= {name: Field(lookup("label"), (), names[name]) for name in WORDS}
    columns = {"image": images, **{name: told[:, place] for place, name in enumerate(WORDS)}}
    return captions.beside(Source(fields, columns), texts)


def held_out(digit: np.ndarray) -> np.ndarray:
    """The color in which a digit is not drawn in training."""
    return digit % len(COLORS)


def drawn_attributes(rng: np.random.Generator, name: str, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each picture of a set the packaged digit that it is drawn of, int [n], and its attributes, int [n, 6]."""
    n, among, combinations = SETS[name]
    rows = rng.choice(among, n)
    digit, count = labels[rows], len(COLORS)
    color = rng.integers(count, size=n)
    if combinations == "seen":
        color = (held_out(digit) + 1 + rng.integers(count - 1, size=n)) % count
    if combinations == "unseen":
        color = held_out(digit)
    background = (color + 1 + rng.integers(count - 1, size=n)) % count
    others = [rng.integers(len(WORDS[each]), size=n) for each in list(WORDS)[EXPLICIT:]]
    return rows, np.stack([digit, color, background, *others], axis=1)


def caption(rng: np.random.Generator, values: np.ndarray, said: np.ndarray) -> str:
    """A caption that says some attributes."""
    one_of = lambda words: words[rng.integers(len(words))]
    digit, color, background, thickness, tilt, place = (
        one_of(classes[value]) if told else ""
        for classes, value, told in zip(WORDS.values(), values, said, strict=True)
    )
    ground = one_of((f"on {background}", f"on a {background} background", f"over {background}"))
    adjectives = [thickness, tilt][:: one_of((1, -1))]
    thing = " ".join(filter(None, ["a", *adjectives, color, digit]))
    parts = one_of(([thing, ground, place], [thing, place, ground], [ground, place, thing], [place, ground, thing]))
    return " ".join(filter(None, parts))


def _drawn(rng: np.random.Generator, base: np.ndarray, rows: np.ndarray, values: np.ndarray, side: int) -> Iterator:
    """Chunks of pictures, uint8 [n, side, side, 3], and their numbers."""
    of_row = functools.cache(lambda row: stroke(base[row]))
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        drawn = [draw(rng, of_row(row), each, side) for row, each in zip(rows[part], values[part], strict=True)]
        yield np.stack(drawn), list(range(start, start + len(drawn)))


class Stroke(NamedTuple):
    """What a digit is drawn of.

    Attributes:
        distance: float32 [56, 56], to the stroke's edge, in the digit's pixels, above 0 in the stroke.
        half: the half of the stroke's width in the mean.
        middle: of the ink, y and x.
        slant: how far x moves as y grows by 1.
    """

    distance: np.ndarray
    half: float
    middle: np.ndarray
    slant: float


def stroke(picture: np.ndarray) -> Stroke:
    """Of a digit, uint8 [28, 28, 1]."""
    from scipy import ndimage

    gray = picture[..., 0] / 255.0
    ink = ndimage.zoom(gray, FINER, order=1, grid_mode=True, mode="nearest") >= 0.5
    inside, outside = ndimage.distance_transform_edt(ink), ndimage.distance_transform_edt(~ink)
    distance = np.float32((inside - outside) / FINER)  # thousands are held while a set is drawn
    half = 2 * inside[ink].mean() / FINER  # across a bar the distance rises to this and falls again
    y, x = np.indices(gray.shape)
    share = gray / gray.sum()
    middle = np.array([np.sum(share * y), np.sum(share * x)])
    y, x = y - middle[0], x - middle[1]
    return Stroke(distance, half, middle, -np.sum(share * x * y) / np.sum(share * y * y))


def draw(rng: np.random.Generator, own: Stroke, values: np.ndarray, side: int) -> np.ndarray:
    """A digit with the attributes, int [6], as uint8 [side, side, 3].

    The stroke's edge is moved along the distance to it until strokes have the width that is wanted in the mean; the
    digit's own slant is taken out.
    """
    from scipy import ndimage

    _, color, background, thickness, tilt, place = values
    scale = side * BOX / SIDE  # pixels of the picture in one of the digit's
    shear = SHEARS[tilt] + rng.uniform(-0.07, 0.07) - own.slant
    at = side * (0.5 + PLACES[place] + rng.uniform(-0.02, 0.02, 2)) - 0.5
    matrix = np.array([[1, 0], [shear, 1]]) / scale * FINER
    offset = FINER * (own.middle + 0.5) - 0.5 - matrix @ at
    level = ndimage.affine_transform(own.distance, matrix, offset, (side, side), order=1, cval=-SIDE)
    covered = np.clip((level - own.half + HALF_WIDTHS[thickness]) * scale + 0.5, 0, 1)[..., None]
    shades = [np.array(each) + rng.uniform(-12, 12, 3) for each in COLORS.values()]
    return np.uint8(np.clip(np.rint(shades[background] * (1 - covered) + shades[color] * covered), 0, 255))
