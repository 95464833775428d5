"""Children of pictures: a latent that goes some way to a random one, or to that of another picture; classes too.

A child is known by its recipe, from which it can be made again, bit for bit: the operation, its parents, and what came
of it. Reference: GANbreeder (Simon 2018), which adds noise to latents and interpolates them linearly. Here both go the
way that stays where latents are, and both parents are kept.
"""

import hashlib
import json
from typing import NamedTuple

import numpy as np

from gan_jax.latent.mixing import parse_layers
from gan_jax.latent.model import Latents, Model

GIVEN = {"name": "given"}  # the operation that latents of a file come from
FRESH = 2**31  # added to the seed: a mutation goes to latents that are no sample's


class Recipe(NamedTuple):
    """How a picture came to be.

    Attributes:
        operation: {"name": a function of this module, argument: value, ...}.
        parents: their identities, at most two.
        latents: of one picture.
        generator: the fingerprint of its model.
    """

    operation: dict
    parents: tuple[str, ...]
    latents: Latents
    generator: str

    def to_json(self) -> dict:
        """As a file holds it: float32 numbers survive it."""
        latents = self.latents
        return {
            "operation": self.operation,
            "parents": list(self.parents),
            "space": latents.space,
            "latents": latents.values[0].tolist(),
            "label": latents.given["label"][0].tolist() if latents.given else None,
            "noise": int(latents.noise[0]),
            "generator": self.generator,
        }

    @property
    def identity(self) -> str:
        """Equal for equal ones."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]


def from_json(stored: dict) -> Recipe:
    """A recipe as a file holds it."""
    label = stored["label"]
    given = {} if label is None else {"label": np.array([label], np.int32 if isinstance(label, int) else np.float32)}
    values, noise = np.array([stored["latents"]], np.float32), np.array([stored["noise"]], np.int32)
    latents = Latents(stored["space"], values, given, noise)
    return Recipe(stored["operation"], tuple(stored["parents"]), latents, stored["generator"])


def make(model: Model, operation: dict, parents: tuple[Recipe, ...] = ()) -> Recipe:
    """What comes of an operation."""
    own = dict(operation)
    latents = OPERATIONS[own.pop("name")](model, *(parent.latents for parent in parents), **own)
    return Recipe(operation, tuple(parent.identity for parent in parents), latents, model.fingerprint)


def sample(model: Model, *, number: int, label: int | list[float], space: str, seed: int) -> Latents:
    """A sample, by its number; `label` is its class, or weights over the classes."""
    return model.draw([number], np.array([label], np.float32 if isinstance(label, list) else np.int32), space, seed)


def mutate(model: Model, parent: Latents, *, strength: float, class_strength: float, number: int, seed: int) -> Latents:
    """A share `strength` of the way to other latents, and to another class by `class_strength`."""
    label = parent.given.get("label", np.zeros(1, np.int32))
    other = model.draw([number], label, parent.space, (seed + FRESH) % 2**32)
    child = between(model, parent, other, strength)
    if class_strength and model.classes:
        chosen = np.random.default_rng([seed, number]).integers(len(model.classes))
        child.given["label"] = towards(
            model.class_weights(label), model.class_weights(np.array([chosen])), class_strength
        )
    return child


def mix(model: Model, first: Latents, second: Latents, *, share: float, layers: str) -> Latents:
    """A share of the way from one to the other, of their classes too; only the chosen layers go."""
    child = between(model, first, second, share)
    chosen = parse_layers(layers, first.values.shape[1])
    child.values[:] = np.where(chosen[:, None], child.values, first.values)
    if model.classes and not np.array_equal(first.given["label"], second.given["label"]):
        own, others = (model.class_weights(each.given["label"]) for each in (first, second))
        child.given["label"] = towards(own, others, share)
    return child


OPERATIONS = {"sample": sample, "mutate": mutate, "mix": mix}


def between(model: Model, first: Latents, second: Latents, share: float) -> Latents:
    """The latents on the way of their space, with all else of the first."""
    flat = [each.values.reshape(1, -1) for each in (first, second)]
    values = np.array(model.space(first.space)[1].between(*flat, np.float32([share])), np.float32)
    return Latents(first.space, values.reshape(first.values.shape), dict(first.given), first.noise)


def towards(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    return np.float32((1 - share) * a + share * b)
