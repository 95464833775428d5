"""Words read one after the other: their order counts."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.keys import Positive


class TextEncoder(nn.Module):
    """Captions int [B, L] to [B, size], by a gated recurrent unit that ends at the last word.

    Attributes:
        num_words: of the vocabulary, with 0, no word.
        size: of a result.
        width: of a word's embedding and of the unit's state.

    Reference: Cho et al. 2014.
    """

    num_words: int
    size: int
    width: Positive = 128

    @nn.compact
    def __call__(self, words: jax.Array, train: bool = True) -> jax.Array:
        x = nn.Embed(self.num_words, self.width)(words)
        state, _ = nn.RNN(nn.GRUCell(self.width), return_carry=True)(x, seq_lengths=jnp.sum(words > 0, axis=1))
        return nn.Dense(self.size)(state)
