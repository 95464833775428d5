"""Progressive growing: training begins at the coarsest resolution, and finer ones are faded in.

A resolution has one or two stages, in which it is faded in and in which it stays; each has turns of its own. The
networks compute no resolution that has not begun. Real images are reduced and faded in as generated ones are.

Reference: Karras et al. 2018 (ProGAN), section 2 and appendix A.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.keys import Key
from gan_jax.networks.layers import pyramid
from gan_jax.networks.resampling import pool, upsample

GROWTH = "growth"  # the collection
KEYS = {
    "stage_kimg": Key(0.0, "at each resolution below the images' own; 0: training begins at that", 0),
    "fade_kimg": Key(0.0, "in which each further resolution is faded in", 0),
}


class Stage(NamedTuple):
    """A part of training.

    Attributes:
        name: what the names of its turns end with.
        first, last: see `gan_jax.game.Turn`.
        level: resolutions below its own; None: the images' own, and the networks have no say in it.
        sizes: (H, W) of the resolutions up to its own.
        fading: rounds in which it is faded in; 0: it is there.
    """

    name: str = ""
    first: int = 0
    last: int | None = None
    level: int | None = None
    sizes: Sequence[tuple[int, int]] = ()
    fading: int = 0

    def fade(self, step: jax.Array) -> jax.Array:
        """How much of its resolution is there, in (0, 1]."""
        played = jnp.float32(step) - self.first
        return jnp.clip((played + 1) / self.fading, 0, 1) if self.fading else jnp.ones(())

    def arguments(self, step: jax.Array) -> dict[str, Any]:
        """What the networks' calls are given."""
        return {} if self.level is None else {"level": self.level, "fade": self.fade(step)}

    def seen(self, images: jax.Array, step: jax.Array) -> jax.Array:
        """Images [B, H, W, C] as they are in this stage: [B, h, w, C]."""
        if self.level is None:
            return images
        while images.shape[1:3] != self.sizes[-1]:
            images = pool(images)
        if not self.level:
            return images
        return faded(upsample(pool(images), self.sizes[-1]), images, self.fade(step))

    def progress(self, step: jax.Array) -> dict[str, Any]:
        """The players' collection that says what is there, for what comes after training."""
        return {} if self.level is None else {GROWTH: {"level": jnp.maximum(self.level - 1 + self.fade(step), 0)}}


def faded(before: jax.Array, after: jax.Array, fade: jax.Array) -> jax.Array:
    """From one to the other, by a number in [0, 1]."""
    return before + jnp.asarray(fade, before.dtype) * (after - before)


def stages(config: Any, shape: Sequence[int], images_per_round: int) -> list[Stage]:
    """The stages that a config describes.

    Args:
        config: with `growing` and `total_kimg`.
        shape: (H, W, C) of the images.
        images_per_round: that the discriminator sees.

    Raises:
        UserError: the last stage would begin after the end, or these are no images.
    """
    own = config.growing
    if not own.stage_kimg and not own.fade_kimg:
        return [Stage()]
    sizes, found, begin = pyramid(shape), [], 0.0
    rounds = lambda kimg: round(kimg * 1000 / images_per_round)
    for level, (height, width) in enumerate(sizes):
        name, below = f"_{height}x{width}", sizes[: level + 1]
        if level and rounds(own.fade_kimg):
            end = begin + own.fade_kimg
            length = rounds(end) - rounds(begin)
            found.append(Stage(f"{name}_fade", rounds(begin), rounds(end), level, below, length))
            begin = end
        end = None if level == len(sizes) - 1 else begin + own.stage_kimg
        found.append(Stage(name, rounds(begin), None if end is None else rounds(end), level, below))
        begin = end
    if found[-1].first >= rounds(config.total_kimg):
        raise UserError(
            f"--config.growing: {len(sizes)} resolutions are there after {found[-1].first * images_per_round / 1000:g} "
            f"kimg, but --config.total_kimg={config.total_kimg:g}"
        )
    return [stage for stage in found if stage.first != stage.last]
