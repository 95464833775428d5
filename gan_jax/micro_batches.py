"""A batch in parts, to save memory."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax


def mean_over_parts(function: Callable[[dict], Any], batch: dict, parts: int) -> Any:
    """The mean of `function(part)`, a tree, over equal parts of a batch, computed one after the other to save memory.

    Args:
        function: of a batch [B / parts, ...].
        batch: leaves [B, ...]. Part i is i, i + parts, i + 2 parts, ...: spread over all devices, as the whole is.
        parts: divides B.
    """
    if parts == 1:
        return function(batch)
    split = jax.tree.map(lambda leaf: leaf.reshape(-1, parts, *leaf.shape[1:]).swapaxes(0, 1), batch)
    shapes = jax.eval_shape(function, jax.tree.map(lambda leaf: leaf[0], split))
    add = lambda total, part: (jax.tree.map(jnp.add, total, function(part)), None)
    # XLA's CPU backend runs convolutions inside loops about ten times slower.
    unroll = parts if jax.default_backend() == "cpu" else 1
    total, _ = jax.lax.scan(add, optax.tree.zeros_like(shapes), split, unroll=unroll)
    return jax.tree.map(lambda leaf: leaf / parts, total)
