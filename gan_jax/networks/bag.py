"""A bag of words: their order does not count."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.keys import Positive


class TextEncoder(nn.Module):
    """Captions int [B, L] to [B, size], by the mean of their words' embeddings and a hidden layer.

    Attributes:
        num_words: of the vocabulary, with 0, no word.
        size: of a result.
        width: of a word's embedding and of the hidden layer.
    """

    num_words: int
    size: int
    width: Positive = 128

    @nn.compact
    def __call__(self, words: jax.Array, train: bool = True) -> jax.Array:
        said = (words > 0)[..., None]
        x = jnp.sum(nn.Embed(self.num_words, self.width)(words) * said, axis=1) / jnp.maximum(jnp.sum(said, axis=1), 1)
        return nn.Dense(self.size)(nn.relu(nn.Dense(self.width)(x)))
