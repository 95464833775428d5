"""Which units of a generator are where which concepts are.

Reference: Bau et al. 2019 (GAN Dissection), section 3.1, eqs. 2 and 3, and the authors' code: a unit's map, enlarged to
the picture, is compared with the concept's mask where it exceeds the threshold that says most about the concept. What
differs: that threshold is one of six quantiles of the unit; it is chosen on one half of the samples and judged on the
other; and each concept has a null, the largest IoU that any unit has with the masks of other samples, so that what is
always at one place is not mistaken for what a unit follows.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.concepts import Concepts
from gan_jax.errors import UserError
from gan_jax.latent.model import Latents, Model
from gan_jax.latent.units import AT_ONCE, decoded, resized
from gan_jax.progress import progress

SHARES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)  # of a unit's activations that may be above its threshold
PERMUTATIONS = 20  # of the masks
CONFIDENCE = 0.95  # quantile over permutations that is the null
LEAST = 0.05  # IoU of a unit that is found


class Dissection(NamedTuple):
    """What is known of C units and K concepts.

    Attributes:
        layer: of the units.
        names: of the concepts.
        threshold: float [C, K], of each unit for each concept.
        iou: float [C, K], intersection over union of where the unit exceeds its threshold and where the concept is.
        quality: float [C, K], the information quality ratio of the two: mutual information by joint entropy.
        null: float [K], the largest IoU of any unit with the masks of other samples, its quantile of 0.95.
        value: float [C, K], the mean of the unit where the concept is.
        there: float [K], the share of pixels that are of the concept.
        samples: how many there were in each half.
    """

    layer: str
    names: tuple[str, ...]
    threshold: np.ndarray
    iou: np.ndarray
    quality: np.ndarray
    null: np.ndarray
    value: np.ndarray
    there: np.ndarray
    samples: int

    @property
    def found(self) -> np.ndarray:
        """bool [C, K]: whether the IoU is above 0.05 and above the null."""
        return self.iou > np.maximum(self.null, LEAST)

    def ranked(self, concept: int) -> np.ndarray:
        """All units, those of the largest IoU with a concept first: int [C]."""
        return np.argsort(-self.iou[:, concept], kind="stable")


class Counts(NamedTuple):
    """Pixels in which a unit is on, by each of T thresholds, a concept is there, both are; and all pixels.

    Attributes:
        unit: float [T, C].
        concept: float [K].
        both: float [T, C, K].
        total: float [C, K], the sum of the unit where the concept is.
        pixels: of all samples.
    """

    unit: np.ndarray
    concept: np.ndarray
    both: np.ndarray
    total: np.ndarray
    pixels: float


def dissect(model: Model, latents: Latents, layer: str, concepts: Concepts, seed: int = 0) -> Dissection:
    """Compares all units of a layer with all concepts.

    Args:
        model: whose latents they are.
        latents: [n]; the first half chooses thresholds, the other one judges.
        layer: see `gan_jax.latent.units.layers_of`.
        concepts: with masks.
        seed: of the noise in the generator, and of the permutations.

    Raises:
        UserError: the concepts have no masks, or there are too few samples.
    """
    if concepts.masks is None:
        raise UserError("these concepts have no place in a picture: give a segmenter, or --concepts=digits")
    half = len(latents) // 2 // AT_ONCE * AT_ONCE
    if half < AT_ONCE:
        raise UserError(f"--num={len(latents)}: must be at least {2 * AT_ONCE}, half of them to choose thresholds")
    pictures, maps = decoded(model, latents.take(slice(half)), layer, seed)
    levels = np.quantile(maps.reshape(-1, maps.shape[-1]), 1 - np.array(SHARES), axis=0).astype(np.float32)
    chosen = quality_of(count(maps, concepts.masks(pictures), levels)).argmax(axis=0)[None]
    of_chosen = lambda each: np.take_along_axis(each, chosen, axis=0)[0]
    pictures, maps = decoded(model, latents.take(slice(half, 2 * half)), layer, seed)
    masks = concepts.masks(pictures)
    counts = count(maps, masks, levels)
    shifts = np.random.default_rng(seed).choice(np.arange(1, half), min(PERMUTATIONS, half - 1), replace=False)
    nulls = [
        of_chosen(iou_of(count(maps, np.roll(masks, shifts[number], axis=0), levels))).max(axis=0)
        for number in progress("comparing units with the masks of other samples", len(shifts), "permutations")
    ]
    return Dissection(
        layer,
        concepts.names,
        threshold=of_chosen(np.broadcast_to(levels[:, :, None], counts.both.shape)),
        iou=of_chosen(iou_of(counts)),
        quality=of_chosen(quality_of(counts)),
        null=np.quantile(nulls, CONFIDENCE, axis=0),
        value=counts.total / np.maximum(counts.concept, 1),
        there=counts.concept / counts.pixels,
        samples=half,
    )


def count(maps: np.ndarray, masks: np.ndarray, levels: np.ndarray) -> Counts:
    """The counts of samples, [n, h, w, C] and bool [n, H, W, K], by thresholds [T, C]; n is a multiple of 20."""
    parts = [
        jax.device_get(_count(maps[start : start + AT_ONCE], masks[start : start + AT_ONCE], levels))
        for start in range(0, len(maps), AT_ONCE)
    ]
    return Counts(*(np.sum(np.float64(each), axis=0) for each in zip(*parts, strict=True)))


@jax.jit
def _count(maps: jax.Array, masks: jax.Array, levels: jax.Array) -> Counts:
    maps = resized(maps, masks.shape[1:3]).reshape(-1, maps.shape[-1])
    there = jnp.float32(masks.reshape(-1, masks.shape[-1]))
    on = lambda level: (jnp.sum(maps > level, axis=0, dtype=jnp.float32), jnp.float32(maps > level).T @ there)
    unit, both = jax.lax.map(on, levels)
    return Counts(unit, there.sum(axis=0), both, maps.T @ there, jnp.float32(len(maps)))


def iou_of(counts: Counts) -> np.ndarray:
    """Intersection over union, float [T, C, K]; 0 where there is neither."""
    either = counts.unit[..., None] + counts.concept - counts.both
    return counts.both / np.maximum(either, 1)


def quality_of(counts: Counts) -> np.ndarray:
    """The information quality ratio I(unit; concept) / H(unit, concept) of a pixel, float [T, C, K] in [0, 1]."""
    unit, concept = counts.unit[..., None] / counts.pixels, counts.concept / counts.pixels
    both = counts.both / counts.pixels
    joint = np.stack([both, unit - both, concept - both, 1 - unit - concept + both])
    apart = np.stack([unit * concept, unit * (1 - concept), (1 - unit) * concept, (1 - unit) * (1 - concept)])
    log = lambda p: np.log(np.where(joint > 0, p, 1))
    information, entropy = np.sum(joint * (log(joint) - log(apart)), axis=0), -np.sum(joint * log(joint), axis=0)
    return information / np.maximum(entropy, np.finfo(float).tiny)
