"""The result of a discriminator, and the attributes and last layers that most of them have."""

from functools import partial
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.keys import Count
from gan_jax.networks.condition import Embed, with_label
from gan_jax.networks.layers import Minibatch


class DiscriminatorOutput(NamedTuple):
    """A discriminator's result.

    Attributes:
        logits: [B], high where an example is taken for real; [B, h, w], one a patch, of `patch`.
        features: [B, F], of which all the others are linear maps; what feature matching compares. [B, h, w, F] of
            `patch`, where the map is a convolution.
        classes: [B, num_classes], logits of the auxiliary classifier; None without one.
        codes: [B, num_codes], estimates of the latent code (InfoGAN); None if there is none.
        along: [B], the logits again, without a bias, as functions of the last layer's direction alone, for which
            `logits` are constant then (SAN); None without.
        maps: what layers have computed, each [B, h, w, F], of `patch`, which translation games compare.
    """

    logits: jax.Array
    features: jax.Array
    classes: jax.Array | None = None
    codes: jax.Array | None = None
    along: jax.Array | None = None
    maps: tuple[jax.Array, ...] = ()


class WithHead(nn.Module):
    """What discriminators have in common that give one logit an example: attributes, and the last layers.

    Attributes:
        num_classes: of the condition; 0: unconditional.
        conditioning: how the label is used: "projection", logit += <embedding(y), features> (Miyato and Koyama 2018);
            "auxiliary", a classifier beside the logit (AC-GAN, Odena et al. 2017); "concat", one-hot beside the input
            (Mirza and Osindero 2014).
        num_codes: estimates of a latent code, beside the logit.
        san: whether the last layer's direction is normalized and learns by itself (Takida et al. 2024).
        minibatch: how the examples of a batch are compared, see `layers.compare`.
    """

    num_classes: int = 0
    conditioning: Literal["projection", "auxiliary", "concat"] = "projection"
    num_codes: Count = 0
    san: bool = False
    minibatch: Minibatch = "none"

    def with_label(self, x: jax.Array, condition: jax.Array | None) -> jax.Array:
        """The input x [B, ..., C], with the label if `conditioning` is "concat"."""
        return with_label(x, condition, self.num_classes) if self.conditioning == "concat" else x

    def discriminate(
        self,
        features: jax.Array,
        condition: jax.Array | None,
        kernel_init: nn.initializers.Initializer = nn.linear.default_kernel_init,
        embedding_init: nn.initializers.Initializer = nn.linear.default_embed_init,
        use_bias: bool = True,
        unconditional_logit: bool = True,
        embedding: jax.Array | None = None,
    ) -> DiscriminatorOutput:
        """The last layers, to be called inside `nn.compact`.

        Args:
            features: [B, F].
            condition: label int [B], or weights float [B, num_classes]; None if num_classes is 0.
            kernel_init, embedding_init: of the layers.
            use_bias: whether the linear layers have one.
            unconditional_logit: whether a projection is added to a logit that is the same for all labels.
            embedding: [B, F] of the condition, for the projection; None: that of a layer of its own.

        Raises:
            UserError: another `conditioning`.
        """
        if self.conditioning not in ("projection", "auxiliary", "concat"):
            raise UserError(f"a network's conditioning={self.conditioning!r} must be projection, auxiliary or concat")
        linear = partial(nn.Dense, use_bias=use_bias, kernel_init=kernel_init)
        projected = self.num_classes and self.conditioning == "projection"
        logits, weights, bias = 0.0, 0.0, 0.0  # logits = <features, weights> + bias
        classes = codes = along = None
        if unconditional_logit or not projected:
            last = linear(1)
            logits, own = last(features)[:, 0], last.variables["params"]
            weights, bias = own["kernel"][:, 0], own.get("bias", 0.0)
        if projected:
            if embedding is None:
                embedding = Embed(self.num_classes, features.shape[-1], embedding_init=embedding_init)(condition)
            logits += jnp.sum(features * embedding, axis=-1)
            weights += embedding
        if self.san:
            logits, along = _by_direction(features, weights)
            logits += bias
        if self.num_classes and self.conditioning == "auxiliary":
            classes = linear(self.num_classes, name="classes")(features)
        if self.num_codes:
            codes = linear(self.num_codes, name="codes")(features)
        return DiscriminatorOutput(logits, features, classes, codes, along)


def _by_direction(features: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
    """<features, weights> twice: with the direction of the weights as a constant, and with all else as constants.

    Args:
        features: [B, F].
        weights: [F] or [B, F].

    Returns:
        [B], [B]

    Reference: Takida et al. 2024 (SAN), and its authors' code.
    """
    length = jnp.sqrt(jnp.sum(weights**2, axis=-1, keepdims=True) + 1e-12)
    scaled, direction, stop = features * length, weights / length, jax.lax.stop_gradient
    return jnp.sum(scaled * stop(direction), axis=-1), jnp.sum(stop(scaled) * direction, axis=-1)
