"""Units: the channels of a layer in a generator, seen and changed while it decodes latents.

A layer is a module of the generator that makes feature maps [B, h, w, C], named by its path, such as "BatchNorm_1".
"""

import functools
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UserError
from gan_jax.keys import closest
from gan_jax.latent.model import Latents, Model
from gan_jax.modalities import to_model
from gan_jax.noise import GENERATOR

AT_ONCE = 20  # samples that are decoded together
COARSE = 4  # pixels of a side, at least, for each cell of the layer that is dissected by default


class Edit(NamedTuple):
    """What replaces the units of a layer: x becomes x + alpha (value - x).

    Attributes:
        alpha: how much of it, in [0, 1], of a shape that broadcasts to the layer's [n, h, w, C].
        value: what replaces it, likewise.
    """

    alpha: jax.Array
    value: jax.Array


def make_decoder(model: Model, space: str, seed: int = 0, seen: Collection[str] = ()) -> Callable:
    """`(variables, latents, {layer: Edit}) -> (examples as networks have them, {layer of seen: its maps})`, traced.

    The `Latents` are of the space; layers whose path is in `seen` give their maps [n, h, w, C], as edited. A layer that
    is used more than once is edited each time, and gives its last maps.
    """
    decode_with = _visited(model, space, seed)

    def decode(variables, latents, edits):
        maps = {}

        def visit(name, made):
            if name in edits:
                alpha, value = edits[name]
                made = (made + alpha * (value - made)).astype(made.dtype)
            if name in seen:
                maps[name] = made
            return made

        return decode_with(variables, latents, visit), maps

    return decode


@functools.lru_cache(maxsize=1)  # of the model in use: to trace a large generator takes seconds
def layers_of(model: Model) -> dict[str, tuple[int, int, int]]:
    """{layer: (h, w, C)} of a generator, in the order in which they are computed."""
    latents, shapes = model.draw([0], np.zeros(1, int)), {}

    def visit(name, made):
        if name and getattr(made, "ndim", 0) == 4:
            shapes[name] = made.shape[1:]
        return made

    jax.eval_shape(lambda variables: _visited(model, latents.space, 0)(variables, latents, visit), model.variables)
    return shapes


def _visited(model: Model, space: str, seed: int) -> Callable:
    """`(variables, latents, visit) -> examples`: what each module makes becomes `visit(its path, what it makes)`."""
    own, noise = model.game.spaces[space], jax.random.fold_in(jax.random.key(seed), GENERATOR)

    def decode(variables, latents, visit):
        def intercept(call, args, kwargs, context):
            made = call(*args, **kwargs)
            return visit("/".join(context.module.path), made) if context.method_name == "__call__" else made

        with nn.intercept_methods(intercept):
            given = to_model(latents.given, model.fields)
            return own.decode(variables, latents.values, given, noise, latents.noise)

    return decode


def find_layer(model: Model, name: str | None = None) -> str:
    """The name of a layer of a generator; None: of the last one whose cells are at least 4 pixels high and wide, or, if
    there is none, of the first.

    Raises:
        UserError: there is none of that name, or no feature map at all.
    """
    layers = layers_of(model)
    if not layers:
        raise UserError("this generator has no feature maps: only those with convolutions have units at places")
    if name is not None and name not in layers:
        raise UserError(f"--layer={name}: no feature map of this generator has that name; {closest(name, layers)}")
    height, width = model.makes.shape[:2]
    coarse = [each for each, (h, w, _) in layers.items() if COARSE * h <= height and COARSE * w <= width]
    return name or (coarse or list(layers)[:1])[-1]


def in_parts(n: int) -> Iterator[tuple[np.ndarray, int]]:
    """(20 rows of n, how many of them are new), until all were there: whatever n, one compilation."""
    for start in range(0, n, AT_ONCE):
        yield np.arange(start, start + AT_ONCE) % n, min(AT_ONCE, n - start)


def decoded(model: Model, latents: Latents, layer: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of latents, as stored [n, H, W, C], and the maps of a layer, float32 [n, h, w, C]."""
    decode, parts = jax.jit(make_decoder(model, latents.space, seed, (layer,))), []
    for rows, new in in_parts(len(latents)):
        made, maps = decode(model.variables, latents.take(rows), {})
        parts.append((np.asarray(made)[:new], np.asarray(maps[layer], np.float32)[:new]))
    pictures, maps = (np.concatenate(each) for each in zip(*parts, strict=True))
    return model.makes.modality.from_model(pictures, model.makes), maps


def make_editor(model: Model, space: str, layers: Collection[str], seed: int = 0) -> Callable:
    """`(latents, {layer: Edit}) -> pictures [n, ...], as stored`: one compilation, whatever the edits.

    There is one of each of the layers, and its arrays have a shape that broadcasts to the layer's [n, h, w, C].
    """
    decode, shapes = jax.jit(make_decoder(model, space, seed)), layers_of(model)

    def edited(latents, edits):
        n, parts = len(latents), []
        whole = {
            name: [np.broadcast_to(np.float32(each), (n, *shapes[name])) for each in edits[name]] for name in layers
        }
        for rows, new in in_parts(n):
            own = {name: Edit(*(each[rows] for each in edit)) for name, edit in whole.items()}
            parts.append(np.asarray(decode(model.variables, latents.take(rows), own)[0])[:new])
        return model.makes.modality.from_model(np.concatenate(parts), model.makes)

    return edited


def resized(maps: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Maps [n, h, w, C] of the size of pictures, (H, W), bilinear."""
    return jax.image.resize(maps.astype(jnp.float32), (len(maps), *size, maps.shape[-1]), "bilinear", antialias=False)
