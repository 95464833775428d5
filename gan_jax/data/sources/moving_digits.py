"""Digits that move over a black canvas: the videos of Srivastava et al. 2015 and their kin, made when they are read.

Sets that are called Moving MNIST are not the same, so the name says all: how many digits of how many pixels, on how
large a canvas, how many pixels a digit moves in a frame, and what it does at walls: "bounce", it is reflected;
"random", it leaves in a random direction at the same speed, so that the future is not certain (Denton and Fergus 2018).
Where digits overlap the brighter pixel is seen. Places are rounded to whole pixels.
"""

import dataclasses
import re
from functools import partial
from typing import Any

import numpy as np

from gan_jax.data import clips
from gan_jax.data.source import Source
from gan_jax.data.sources.digits import digits
from gan_jax.errors import UserError

FORM = "moving_digits:digits=2,side=14,canvas=32,speed=2,walls=bounce"
CLIPS, HELD_OUT = 20_000, 1_000
TRAINED_ON = 9_000  # of the 10,000 packaged digits; the others move in the clips that are held out


def open_source(rest: str, config: Any) -> Source:
    """20,000 clips uint8 [T, canvas, canvas, 1], always the same; 1,000 of other digits and courses are held out.

    Args:
        rest: written as in `FORM`, with other numbers, or `walls=random`.
        config: the config's `data`: `frames`.

    Raises:
        UserError: it is not written so, or the digits do not fit the canvas.
    """
    name = f"--config.data.source=moving_digits:{rest}"
    match = re.fullmatch(r"digits=(\d+),side=(\d+),canvas=(\d+),speed=(\d+(?:\.\d+)?),walls=(bounce|random)", rest)
    if not match:
        raise UserError(f"{name}: must be written {FORM}, with other numbers, or walls=random")
    (count, side, canvas), speed = map(int, match.groups()[:3]), float(match[4])
    if not count or not side or not 0 < speed <= canvas - side:
        raise UserError(f"{name}: needs digits, and a canvas with room for their side and one step of their speed")
    if config.image_size != "native":
        raise UserError(f"--config.data.image_size={config.image_size}: these clips have the size of their canvas")
    images = digits((side, side), "stretch").columns["image"][..., 0]
    make = partial(MovingDigits, digits=count, canvas=canvas, speed=speed, random=match[5] == "random")
    given, predicted = clips.parse_frames(config.frames)
    sets = (images[:TRAINED_ON], CLIPS, 0), (images[TRAINED_ON:], HELD_OUT, 1)
    trained, held_out = (clips.parted(partial(make, *own), given, predicted, perceptual="classifier") for own in sets)
    return dataclasses.replace(trained, splits={"held_out": held_out})


@dataclasses.dataclass(frozen=True)
class MovingDigits:
    """Some frames of each clip, [N, T, canvas, canvas, 1]; row i depends on (seed, i) alone.

    Attributes:
        images: uint8 [M, side, side], of which clips show some.
        count: N.
        seed: of the set.
        part: of the frames.
        digits, canvas, speed: see `FORM`.
        random: whether walls are.
    """

    images: np.ndarray
    count: int
    seed: int
    part: range
    digits: int
    canvas: int
    speed: float
    random: bool

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count, len(self.part), self.canvas, self.canvas, 1)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        which, places = self.courses(rows)
        side, clips = self.images.shape[1], np.zeros((len(rows), *self.shape[1:4]), np.uint8)
        for clip, shown, course in zip(clips, which, places, strict=True):
            for number, t in enumerate(self.part):
                for image, (y, x) in zip(self.images[shown], course[t], strict=True):
                    under = clip[number, y : y + side, x : x + side]
                    np.maximum(under, image, out=under)
        return clips[..., None]

    def courses(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The images of each clip, int [n, digits], and where their corners are up to the last frame of the part, int
        [n, T, digits, 2].
        """
        drawn, frames, room = [], self.part.stop, self.canvas - self.images.shape[1]
        for row in rows:
            rng = np.random.default_rng([self.seed, row])
            which, place = rng.integers(len(self.images), size=self.digits), rng.uniform(size=(self.digits, 2))
            drawn.append((which, place * room, rng.uniform(size=(frames, self.digits)) * 2 * np.pi))
        which, place, angles = map(np.stack, zip(*drawn, strict=True))
        steps, places = self.speed * np.stack([np.sin(angles), np.cos(angles)], axis=-1), []
        step = steps[:, 0]
        for t in range(frames):
            places.append(place)
            moved = place + step
            if self.random:
                hits = ((moved < 0) | (moved > room)).any(axis=-1, keepdims=True)
                step = np.where(hits, steps[:, min(t + 1, frames - 1)], step)
            step = np.where(moved < 0, np.abs(step), np.where(moved > room, -np.abs(step), step))
            place = np.where(moved < 0, -moved, np.where(moved > room, 2 * room - moved, moved))
        return which, np.rint(np.stack(places, axis=1)).astype(int)
