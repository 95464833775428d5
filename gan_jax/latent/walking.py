"""Walks through latent space: what lies between some latents."""

from functools import partial

import numpy as np

from gan_jax.latent.model import Latents, Model
from gan_jax.latent.paths import between, places, spline


def walk(model: Model, keyframes: Latents, frames: int, *, loop=False, curve=False, moving=False) -> Latents:
    """From each of some latents to the next.

    Args:
        model: whose latents they are.
        keyframes: at least two.
        frames: from one to the next.
        loop: whether the last is followed by the first.
        curve: whether to go along a cubic spline; else the shortest way that stays where latents are, in z a great
            circle.
        moving: whether each frame has noise of its own; else that of the first keyframe.

    Returns:
        Latents, one a frame. Classes go over into each other if the keyframes have different ones.
    """
    values, space = keyframes.values, model.space(keyframes.space)[1]
    flat = values.reshape(len(values), -1)
    straight = partial(between, space.between)
    made = np.asarray((spline if curve else straight)(flat, frames, loop))
    count = len(made)
    first = np.broadcast_to(keyframes.noise[:1], count)
    noise = np.arange(count, dtype=np.int32) if moving else first
    given = {}
    if keyframes.given:
        label, (at, before, after) = keyframes.given["label"], places(len(values), frames, loop)
        if label.ndim == 1 and np.all(label == label[0]):
            given["label"] = np.broadcast_to(label[:1], count)
        else:
            weights = model.class_weights(label)
            share = (at - before)[:, None].astype(np.float32)
            given["label"] = (1 - share) * weights[before] + share * weights[after]
    return Latents(keyframes.space, made.reshape(count, *values.shape[1:]), given, noise)
