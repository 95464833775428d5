"""What units cause: how much of a concept goes if they are ablated, and comes if they are inserted.

Reference: Bau et al. 2019 (GAN Dissection), sections 3.2 and 4, and the authors' code.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.concepts import Concepts
from gan_jax.latent.model import Latents, Model
from gan_jax.latent.units import Edit, layers_of, make_decoder
from gan_jax.progress import progress

BATCH = 8  # samples of a step of the optimization
RATE, SPARSE = 0.05, 0.1  # of that optimization: Adam's rate, the weight of the mean square of alpha


def ablation(units: np.ndarray, count: int) -> Edit:
    """Units, by their numbers, set to 0; there are `count` in the layer."""
    return Edit(np.isin(np.arange(count), units).astype(np.float32), np.zeros(count, np.float32))


def random_units(count: int, size: int, draws: int, seed: int) -> list[np.ndarray]:
    """Sets of units to compare with: int [size] of `count`, without repeats."""
    rng = np.random.default_rng(seed)
    return [rng.choice(count, min(size, count), replace=False) for _ in range(draws)]


def removed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The share of each concept's amount that is gone, float [K]; below 0 there is more. nan if there was none.

    Args:
        before, after: float [n, K], the amounts in samples.
    """
    total = before.sum(axis=0)
    return np.where(total > 0, 1 - after.sum(axis=0) / np.where(total > 0, total, 1), np.nan)


def make_ranker(model: Model, space: str, layer: str, concepts: Concepts, seed: int = 0) -> Callable[..., np.ndarray]:
    """`(latents, concept, value [C], steps) -> alpha [C] in [0, 1]`, how much each unit matters for a concept.

    Adam lowers the score of the concept after ablation by alpha, less its score after insertion of the value at random
    places, both relative to its score as it is, plus a penalty on alpha; at each step of 8 of the latents.

    Args:
        model: whose latents they are.
        space: theirs.
        layer: of the units.
        concepts: with a score.
        seed: of the noise in the generator, and of the places.

    Reference: Bau et al. 2019, section 3.2, eqs. 4 to 6. There scores are not relative, and the penalty is on the sum.
    """
    decode, (height, width, count) = make_decoder(model, space, seed), layers_of(model)[layer]
    optimizer = optax.adam(RATE)

    def loss(alpha, variables, part, here, concept, value):
        score = lambda edit: jnp.mean(concepts.score(decode(variables, part, {layer: edit})[0])[:, concept])
        ablated, inserted = score(Edit(alpha, jnp.zeros(count))), score(Edit(here * alpha, value))
        plain = jax.lax.stop_gradient(score(Edit(jnp.zeros(count), value)))
        return (ablated - inserted) / jnp.maximum(plain, 1e-3) + SPARSE * jnp.mean(alpha**2)

    @jax.jit
    def step(alpha, state, *given):
        updates, state = optimizer.update(jax.grad(loss)(alpha, *given), state)
        return jnp.clip(optax.apply_updates(alpha, updates), 0, 1), state

    def rank(latents, concept, value, steps):
        alpha, rng = jnp.full(count, 0.5), np.random.default_rng(seed)
        state = optimizer.init(alpha)
        for _ in progress(f"ranking units by {concepts.names[concept]}", steps, "steps"):
            part = latents.take(rng.choice(len(latents), BATCH, replace=len(latents) < BATCH))
            here = np.zeros((BATCH, height, width, 1), np.float32)
            here[np.arange(BATCH), rng.integers(height, size=BATCH), rng.integers(width, size=BATCH)] = 1
            alpha, state = step(alpha, state, model.variables, part, here, np.int32(concept), np.float32(value))
        return np.asarray(alpha)

    return rank


class Insertions(NamedTuple):
    """Attempts to insert a concept at one place of a picture each.

    Attributes:
        context: int [n], the concept that most of the place was of before; K: of none.
        before, after: float [n], the share of the place that is of the inserted concept.
    """

    context: np.ndarray
    before: np.ndarray
    after: np.ndarray


def insertions(
    edited: Callable[[Edit], np.ndarray],
    masks: np.ndarray,
    shape: tuple[int, int, int],
    concepts: Concepts,
    concept: int,
    edits: Sequence[Edit],
    side: int,
    seed: int = 0,
) -> tuple[Insertions, np.ndarray]:
    """Inserts units at a random place in each sample, and looks at that place; once for each edit.

    Args:
        edited: pictures [n, H, W, C] of the samples with an edit, as stored.
        masks: bool [n, H, W, K], where concepts are in the samples without any.
        shape: (h, w, C) of the layer.
        concepts: with masks.
        concept: the number of the one that is inserted.
        edits: what is set, of the shape [C], each at other places.
        side: of the place, in cells of the layer.
        seed: of the places of the first edit; those of the next ones follow.

    Returns:
        The attempts, and the pictures after, those with the first edit first: [len(edits) n].

    Reference: Bau et al. 2019, figure 11.
    """
    (height, width, _), n = shape, len(masks)
    rows, columns = (size / cells for size, cells in zip(masks.shape[1:3], (height, width), strict=True))

    def shares(masks, corners):
        """Of each concept, and of none, at the place in each sample, [n, K + 1]."""
        places = (
            mask[round(y * rows) : round((y + side) * rows), round(x * columns) : round((x + side) * columns)]
            for mask, (y, x) in zip(masks, corners, strict=True)
        )
        told = (np.concatenate([place, ~place.any(axis=-1, keepdims=True)], axis=-1) for place in places)
        return np.stack([place.mean(axis=(0, 1)) for place in told])

    before, after, made = [], [], []
    for number, edit in enumerate(edits):
        rng = np.random.default_rng(seed + number)
        corners = np.stack([rng.integers(cells - side + 1, size=n) for cells in (height, width)], axis=1)
        here = np.zeros((n, height, width, 1), np.float32)
        for sample, (y, x) in enumerate(corners):
            here[sample, y : y + side, x : x + side] = 1
        pictures = edited(Edit(here * edit.alpha, edit.value))
        before.append(shares(masks, corners))
        after.append(shares(concepts.masks(pictures), corners))
        made.append(pictures)
    before, after = np.concatenate(before), np.concatenate(after)
    return Insertions(before.argmax(axis=1), before[:, concept], after[:, concept]), np.concatenate(made)


class Artefacts(NamedTuple):
    """Units without which samples are nearer to real examples.

    Attributes:
        distance: float [C], of samples without each unit, by one half of them.
        units: int, those without which it is smallest.
        before, after, random: of the other half, as they are, without those units, and without random ones, the mean.
    """

    distance: np.ndarray
    units: np.ndarray
    before: float
    after: float
    random: float


def artefacts(
    edited: Callable[[Latents, Edit], np.ndarray],
    latents: Latents,
    count: int,
    distance: Callable[[np.ndarray], float],
    size: int,
    seed: int = 0,
) -> Artefacts:
    """Looks for units that spoil pictures.

    Args:
        edited: `(latents, edit) -> pictures`, as stored.
        latents: [n]; the first half finds the units, the other one judges.
        count: of units in the layer.
        distance: of pictures, as stored, from real ones.
        size: how many units are ablated together.
        seed: of the random ones, five sets.

    Reference: Bau et al. 2019, section 4.3, where a person finds the units.
    """
    half = len(latents) // 2
    first, second = latents.take(slice(half)), latents.take(slice(half, None))
    without = lambda part, units: distance(edited(part, ablation(units, count)))
    alone = np.array([without(first, [unit]) for unit in progress("artefacts", count, "units")])
    units = np.argsort(alone, kind="stable")[:size]
    random = np.mean([without(second, each) for each in random_units(count, size, 5, seed)])
    return Artefacts(alone, units, without(second, []), without(second, units), float(random))
