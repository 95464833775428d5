"""Where a picture lies in latent space: the latents whose picture is nearest to it.

Reference: Karras et al. 2020 (StyleGAN2), appendix D, for the schedule and the fading noise on the latents. What
differs: the distance is that of pixels, without a network; the generator's noise is left out instead of optimized, so
nothing of the picture hides in it; latents far out are penalized; a picture may be searched for from several starts,
the first of which are the latents that the game's encoder finds, if it has one.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.latent.model import Latents, Model
from gan_jax.modalities import to_model
from gan_jax.runners import spread_over_devices
from gan_jax.sampling import checked, labels_for

NO_NOISE = -1  # the number of noise that is none, see `model.Latents`
ESTIMATED_ON = 2_048  # latents
RAMP_UP, RAMP_DOWN, NOISY = 0.05, 0.25, 0.75  # shares of the steps
JITTER = 0.05  # deviations
ROWS = 64  # latents that are moved at a time on a device, of all examples and starts


@dataclasses.dataclass(frozen=True)
class Search:
    """How latents are searched for.

    Attributes:
        space: its name; None: the best one to move in.
        by_layer: whether each layer gets latents of its own, as in w+.
        steps: of Adam; 0: only the starts are compared.
        restarts: starts for each picture, and for each class if the picture's is not known: what the encoder finds,
            or the mean without one; then random latents.
        learning_rate: in deviations of a latent, see `deviation`.
        prior: weight of the penalty on a latent that is more than one deviation from the mean.
        seed: of the starts, the same for each picture.
    """

    space: str | None = None
    by_layer: bool = False
    steps: int = 300
    restarts: int = 1
    learning_rate: float = 0.1
    prior: float = 0.1
    seed: int = 0


class Found(NamedTuple):
    """What was found for some pictures.

    Attributes:
        latents: [n].
        error: [n], the mean squared difference of pixels, of values in [-1, 1].
        distance: [n], of the latents to their mean, in deviations; that of random ones is about 1.
    """

    latents: Latents
    error: np.ndarray
    distance: np.ndarray


def deviation(model: Model, space: str) -> float:
    """The root mean square of what a latent's numbers differ from their mean by, over all of them."""
    labels = labels_for(ESTIMATED_ON, model.classes, None)
    drawn = model.draw(range(ESTIMATED_ON), labels, space)
    return float(np.sqrt(np.mean((drawn.values - model.mean(drawn.given, ESTIMATED_ON, space)) ** 2)))


def pixel_error(model: Model, space: str) -> Callable[..., jax.Array]:
    """`error(latents [n, ...], variables, target, given) -> [n]`, the mean squared difference of pixels, no noise."""

    def error(latents, variables, target, given):
        no_noise = jnp.full(len(latents), NO_NOISE)
        decode = model.game.spaces[space].decode
        made = decode(variables, latents, to_model(given, model.fields), jax.random.key(0), no_noise)
        return jnp.mean((made - target).reshape(len(made), -1) ** 2, axis=1)

    return error


def learning_rate(search: Search) -> Callable:
    """Adam's, by the number of steps: up in a line, down along a cosine."""

    def rate(step):
        t = step / search.steps
        up, down = jnp.minimum(t / RAMP_UP, 1), jnp.minimum((1 - t) / RAMP_DOWN, 1)
        return search.learning_rate * up * 0.5 * (1 - jnp.cos(jnp.pi * down))

    return rate


def examples_at_once(search: Search, classes: int) -> int:
    """Examples whose starts, for each of `classes`, are moved at a time, on all devices of this host."""
    return max(ROWS // (search.restarts * classes), 1) * jax.local_device_count()


def make_inverter(model: Model, search: Search, at_once: int = 1) -> Callable[..., Found]:
    """`invert(targets [n, ...], labels) -> Found`, of stored examples; what is found depends on the example alone.

    `labels` are int [n], ignored by an unconditional generator; None: that of each picture is found too. A third
    argument is called before every step.

    Args:
        model: whose latents are searched for.
        search: how.
        at_once: how many examples there are at most; fewer cost as much.
    """
    name, own = model.space(search.space)
    by_layer = own.by_layer if search.by_layer else lambda latents: latents
    scale, key, error_of = deviation(model, name), jax.random.key(search.seed), pixel_error(model, name)
    optimizer = optax.adam(learning_rate(search))
    _, sharded = spread_over_devices()
    at_once = math.ceil(at_once / jax.local_device_count()) * jax.local_device_count()

    @jax.jit
    def start(variables, number, target, given):
        given = to_model(given, model.fields)
        mean, drawn = own.mean(variables, len(number), given), own.draw(variables, key, number, given)
        first = own.encode(variables, target) if own.encode else mean
        mean, begin = by_layer(mean), by_layer(jnp.where((number == 0)[:, None], first, drawn))
        return (begin - mean) / scale, mean

    @jax.jit
    def difference(moved, mean, *others):
        return error_of(mean + scale * moved, *others)

    def loss(moved, *others):
        beyond = jax.nn.relu(jnp.mean(moved**2, axis=-1) - 1).reshape(len(moved), -1)
        return jnp.sum(difference(moved, *others) + search.prior * jnp.mean(beyond, axis=1))

    @jax.jit
    def step(number, moved, state, *others):
        fading = jax.nn.relu(1 - number / search.steps / NOISY) ** 2
        noise = jax.random.normal(jax.random.fold_in(key, number), moved.shape[1:])  # the same for each picture
        gradient = jax.grad(loss)(moved + JITTER * fading * noise, *others)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(moved, updates), state

    def invert(targets: np.ndarray, labels: np.ndarray | None, tick: Callable = lambda: None) -> Found:
        classes = len(model.classes) if model.classes and labels is None else 1
        each, rows = search.restarts * classes, np.arange(at_once) % len(targets)
        place, given = np.tile(np.arange(each, dtype=np.int32), at_once), {}
        if model.classes:
            given["label"] = place % classes if labels is None else labels[rows].repeat(each)
        target = np.asarray(model.makes.modality.to_model(targets[rows], model.makes)).repeat(each, axis=0)
        number, target, given = jax.device_put((place // classes, target, given), sharded)
        moved, mean = start(model.variables, number, target, given)
        state, others = optimizer.init(moved), (mean, model.variables, target, given)
        for step_number in range(search.steps):
            tick()
            moved, state = step(np.int32(step_number), moved, state, *others)
        error = checked(np.asarray(difference(moved, *others)), "from latents").reshape(at_once, each)[: len(targets)]
        best = np.arange(len(targets)) * each + error.argmin(axis=1)
        latents, moved = np.asarray(mean + scale * moved)[best], np.asarray(moved)[best]
        latents = np.asarray(own.by_layer(latents)) if latents.ndim == 2 else latents
        given = {field: np.asarray(column)[best] for field, column in given.items()}
        distance = np.sqrt(np.mean(moved.reshape(len(moved), -1) ** 2, axis=1))
        found = Latents(name, latents, given, np.full(len(targets), NO_NOISE, np.int32))
        return Found(found, error.min(axis=1), distance)

    return invert
