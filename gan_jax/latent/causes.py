"""What units cause: how much of a concept goes if they are ablated, and comes if they are inserted.

Reference: Bau et al. 2019 (GAN Dissection), sections 3.2 and 4, and the authors' code.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.concepts import Concepts
from gan_jax.latent.model import Latents, Model
from gan_jax.latent.units import AT_ONCE, Edit, layers_of, make_decoder, pictures_of
from gan_jax.progress import progress

BATCH = 8  # samples of a step of the optimization
RATE, SPARSE = 0.05, 0.1  # of that optimization: Adam's rate, the weight of the mean square of alpha


def make_editor(model: Model, layer: str, space: str, seed: int = 0) -> Callable[[Latents, Edit], np.ndarray]:
    """`(latents, edit of the layer) -> pictures [n, ...], as stored`: one compilation whatever the edit.

    The edit's arrays are of the layer's shape, [h, w, C].
    """
    decode, shape = jax.jit(make_decoder(model, space, seed)), layers_of(model)[layer]

    def edited(latents, edit):
        edit = Edit(*(np.broadcast_to(np.float32(each), shape) for each in edit))
        parts = (latents.take(slice(start, start + AT_ONCE)) for start in range(0, len(latents), AT_ONCE))
        return np.concatenate([pictures_of(model, decode, part, {layer: edit}) for part in parts])

    return edited


def ablation(units: np.ndarray, count: int) -> Edit:
    """Units, by their numbers, set to 0; there are `count` in the layer."""
    return Edit(np.isin(np.arange(count), units).astype(np.float32), np.zeros(count, np.float32))


def random_units(count: int, size: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Sets of units to compare with: int [size] of `count`, without repeats."""
    rng = np.random.default_rng(seed)
    return (rng.choice(count, min(size, count), replace=False) for _ in range(draws))


def removed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The share of each concept's amount that is gone, float [K]; below 0 there is more. nan if there was none.

    Args:
        before, after: float [n, K], the amounts in samples.
    """
    total = before.sum(axis=0)
    return np.where(total > 0, 1 - after.sum(axis=0) / np.where(total > 0, total, 1), np.nan)


def optimized(
    model: Model, latents: Latents, layer: str, concepts: Concepts, concept: int, value: np.ndarray, steps: int, seed=0
) -> np.ndarray:
    """How much each unit matters for a concept: alpha in [0, 1], float [C], that makes the most difference.

    Adam lowers the score of the concept after ablation by alpha, less its score after insertion at random places, both
    relative to its score as it is, plus a penalty on alpha.

    Args:
        model: whose latents they are.
        latents: at least 8.
        layer: of the units.
        concepts: with a score.
        concept: its number.
        value: float [C], of inserted units.
        steps: of Adam, 8 samples each.
        seed: of the noise in the generator, and of the places.

    Reference: Bau et al. 2019, section 3.2, eqs. 4 to 6. There scores are not relative, and the penalty is on the
    sum.
    """
    decode, (height, width, count) = make_decoder(model, latents.space, seed), layers_of(model)[layer]
    optimizer, value = optax.adam(RATE), jnp.asarray(value, jnp.float32)

    def loss(alpha, variables, part, here):
        score = lambda edits: jnp.mean(concepts.score(decode(variables, part, edits)[0])[:, concept])
        ablated = score({layer: Edit(alpha, jnp.zeros(count))})
        inserted = score({layer: Edit(here * alpha, value)})
        plain = jax.lax.stop_gradient(score({}))
        return (ablated - inserted) / jnp.maximum(plain, 1e-3) + SPARSE * jnp.mean(alpha**2)

    @jax.jit
    def step(alpha, state, variables, part, here):
        updates, state = optimizer.update(jax.grad(loss)(alpha, variables, part, here), state)
        return jnp.clip(optax.apply_updates(alpha, updates), 0, 1), state

    alpha, rng = jnp.full(count, 0.5), np.random.default_rng(seed)
    state = optimizer.init(alpha)
    for _ in range(steps):
        part = latents.take(rng.choice(len(latents), BATCH, replace=len(latents) < BATCH))
        here = np.zeros((BATCH, height, width, 1), np.float32)
        here[np.arange(BATCH), rng.integers(height, size=BATCH), rng.integers(width, size=BATCH)] = 1
        alpha, state = step(alpha, state, model.variables, part, here)
    return np.asarray(alpha)


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
    model: Model,
    latents: Latents,
    layer: str,
    concepts: Concepts,
    concept: int,
    units: np.ndarray,
    value: np.ndarray,
    side: int,
    seed: int = 0,
) -> tuple[Insertions, np.ndarray, np.ndarray]:
    """Inserts units at a random place in each sample, and looks at that place.

    Args:
        model: whose latents they are.
        latents: [n].
        layer: of the units.
        concepts: with masks.
        concept: the number of the one that is inserted.
        units: that are set.
        value: float [C], to what.
        side: of the place, in cells of the layer.
        seed: of the noise in the generator, and of the places.

    Returns:
        The attempts, and the pictures before and after, as stored [n, H, W, C].

    Reference: Bau et al. 2019, figure 11.
    """
    (height, width, count), rng = layers_of(model)[layer], np.random.default_rng(seed)
    decode = jax.jit(make_decoder(model, latents.space, seed))
    chosen, on = np.isin(np.arange(count), units).astype(np.float32), np.broadcast_to(np.float32(value), (1, count))
    corners = np.stack([rng.integers(n - side + 1, size=len(latents)) for n in (height, width)], axis=1)
    made = {"before": [], "after": []}
    for start in range(0, len(latents), AT_ONCE):
        part, here = latents.take(slice(start, start + AT_ONCE)), np.zeros((AT_ONCE, height, width, 1), np.float32)
        for number, (y, x) in enumerate(corners[start : start + AT_ONCE]):
            here[number, y : y + side, x : x + side] = 1
        for name, alpha in (("before", 0 * here), ("after", here)):
            edit = Edit(alpha[: len(part)] * chosen, on[:, None, None])
            made[name].append(pictures_of(model, decode, part, {layer: edit}))
    pictures = {name: np.concatenate(parts) for name, parts in made.items()}
    masks = {name: concepts.masks(each) for name, each in pictures.items()}
    rows, columns = (size / cells for size, cells in zip(model.makes.shape[:2], (height, width), strict=True))

    def shares(masks):
        """Of each concept, and of none, at the place in each sample, [n, K + 1]."""
        masks = np.concatenate([masks, ~masks.any(axis=-1, keepdims=True)], axis=-1)
        places = (
            mask[round(y * rows) : round((y + side) * rows), round(x * columns) : round((x + side) * columns)]
            for mask, (y, x) in zip(masks, corners, strict=True)
        )
        return np.stack([place.mean(axis=(0, 1)) for place in places])

    before, after = shares(masks["before"]), shares(masks["after"])
    found = Insertions(before.argmax(axis=1), before[:, concept], after[:, concept])
    return found, pictures["before"], pictures["after"]


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
        edited: see `make_editor`.
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
