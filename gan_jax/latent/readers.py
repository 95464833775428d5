"""Which linear layers of a generator read the latents, found by watching it make a picture."""

from typing import NamedTuple

import flax.linen as nn
import numpy as np

from gan_jax.errors import UserError
from gan_jax.latent.model import Model
from gan_jax.modalities import to_model

CLOSE = 1e-4  # relative; a generator may scale its latents before it reads them


class Reader(NamedTuple):
    """A linear layer that reads the latents of some group of layers.

    Attributes:
        layer: which, of L.
        weights: [f, outputs], as they work: with gains and norms of their own.
    """

    layer: int
    weights: np.ndarray


def readers_of(model: Model, space: str) -> list[Reader]:
    """The layers that are given the latents of a space, alone or beside other inputs, scaled or not.

    They are known by what they are given, so a generator need not name them.

    Raises:
        UserError: there is none, such as where the latents go through a nonlinear layer first.
    """
    own, found = model.space(space)[1], []
    drawn = model.draw([0, 1], np.zeros(2, int), space)
    # Other latents for each layer: so it is known whose a layer reads.
    latents = np.random.default_rng(0).normal(size=drawn.values.shape).astype(np.float32)
    size = latents.shape[2]

    def watch(run, args, kwargs, context):
        result = run(*args, **kwargs)
        kernel = context.module.variables.get("params", {}).get("kernel")
        if context.method_name == "__call__" and getattr(kernel, "ndim", 0) == 2:
            inputs = np.asarray(args[0], np.float32)
            if place := _place(inputs, latents):
                layer, column = place
                weights = np.asarray(kernel, np.float32)
                # Its kernel may have a gain: what the two rows differ by tells.
                plain, moved = (inputs[1] - inputs[0]) @ weights, np.asarray(result[1] - result[0], np.float32)
                found.append(Reader(layer, weights[column : column + size] * (plain @ moved) / (plain @ plain)))
        return result

    with nn.intercept_methods(watch):
        own.decode(model.variables, latents, to_model(drawn.given, model.fields), None, None)
    if not found:
        raise UserError(f"no linear layer of this generator reads the latents of the space {space} as they are")
    return found


def _place(inputs: np.ndarray, latents: np.ndarray) -> tuple[int, int] | None:
    """The layer whose latents [n, L, f] the inputs [n, ...] have, scaled or not, and their first column there."""
    n, count, size = latents.shape
    if inputs.ndim != 2 or len(inputs) != n:
        return None
    direction = lambda x: x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)
    for layer in range(count):
        for column in range(inputs.shape[1] - size + 1):
            if np.abs(direction(inputs[:, column : column + size]) - direction(latents[:, layer])).max() < CLOSE:
                return layer, column
    return None
