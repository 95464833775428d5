"""What a network is conditioned on: a label, or weights over the classes, with which they can be mixed."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax


def is_soft(condition: jax.Array) -> bool:
    """Whether a condition is weights over the classes, float [B, K], and not a label, int [B]."""
    return jnp.issubdtype(condition.dtype, jnp.floating)


def rows(table: jax.Array, condition: jax.Array) -> jax.Array:
    """The rows of a table that labels name, or the mean of all its rows by their weights.

    Args:
        table: [K, E].
        condition: int [B] in [0, K), or float [B, K], of which each example's sum to 1.

    Returns:
        [B, E]
    """
    if is_soft(condition):  # with full precision, so that a weight of 1 gives the very row
        return jnp.matmul(condition.astype(table.dtype), table, precision=lax.Precision.HIGHEST)
    return table[condition]


def one_hot(condition: jax.Array, num_classes: int, dtype: jnp.dtype = jnp.float32) -> jax.Array:
    """A label int [B] one-hot, or the weights as they are: [B, num_classes]."""
    return condition.astype(dtype) if is_soft(condition) else jax.nn.one_hot(condition, num_classes, dtype=dtype)


class Embed(nn.Embed):
    """`nn.Embed` that takes weights over the rows too, see `rows`. Its name is in the paths of variables."""

    def __call__(self, condition: jax.Array) -> jax.Array:
        """condition: int [B] or float [B, K]."""
        return rows(self.embedding, condition) if is_soft(condition) else super().__call__(condition)


def with_label(x: jax.Array, condition: jax.Array | None, num_classes: int) -> jax.Array:
    """x [B, F] or [B, H, W, C] with the one-hot label, or the weights, as further features or channels.

    Args:
        x: what is returned alone if num_classes is 0.
        condition: int [B] or float [B, num_classes]; None if num_classes is 0.
        num_classes: K.
    """
    if not num_classes:
        return x
    label = one_hot(condition, num_classes, x.dtype)
    label = jnp.broadcast_to(label.reshape(-1, *[1] * (x.ndim - 2), num_classes), (*x.shape[:-1], num_classes))
    return jnp.concatenate([x, label], axis=-1)
