"""What a discriminator says of a batch, and the layers that say it."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UserError


class Verdict(NamedTuple):
    """A discriminator's result.

    Attributes:
        logits: [B], high where it takes the example for real; [B, h, w] of a discriminator that judges patches.
        features: [B, F], from which everything else here is a linear map: what feature matching compares; of one that
            judges patches [B, h, w, F], and the linear map is a convolution.
        classes: [B, num_classes], logits of the auxiliary classifier; None without one.
        codes: [B, num_codes], what is read of a latent code (InfoGAN); None if there are none.
    """

    logits: jax.Array
    features: jax.Array
    classes: jax.Array | None = None
    codes: jax.Array | None = None


def with_label(x: jax.Array, condition: jax.Array | None, num_classes: int) -> jax.Array:
    """x [B, F] or [B, H, W, C] with the one-hot label as further features or channels; x alone if num_classes is 0."""
    if not num_classes:
        return x
    label = jax.nn.one_hot(condition, num_classes, dtype=x.dtype)
    label = jnp.broadcast_to(label.reshape(-1, *[1] * (x.ndim - 2), num_classes), (*x.shape[:-1], num_classes))
    return jnp.concatenate([x, label], axis=-1)


def judge(
    features: jax.Array,
    condition: jax.Array | None,
    *,
    num_classes: int,
    conditioning: str,
    num_codes: int = 0,
    kernel_init: nn.initializers.Initializer = nn.linear.default_kernel_init,
    embedding_init: nn.initializers.Initializer = nn.linear.default_embed_init,
) -> Verdict:
    """The last layers of a discriminator, to be called inside its `nn.compact`.

    Args:
        features: [B, F].
        condition: label int [B]; None if num_classes is 0.
        num_classes: of the condition; 0: unconditional.
        conditioning: how the label is used: "projection", logit += <embedding(y), features> (Miyato and Koyama 2018);
            "auxiliary", a classifier beside the logit (AC-GAN, Odena et al. 2017); "concat", not here, the network had
            it in its input (Mirza and Osindero 2014).
        num_codes: numbers to read of a latent code.
        kernel_init, embedding_init: of the layers.

    Raises:
        UserError: another `conditioning`.
    """
    if conditioning not in ("projection", "auxiliary", "concat"):
        raise UserError(f"a network's conditioning={conditioning!r} must be projection, auxiliary or concat")
    logits = nn.Dense(1, kernel_init=kernel_init)(features)[:, 0]
    classes = codes = None
    if num_classes and conditioning == "projection":
        embedding = nn.Embed(num_classes, features.shape[-1], embedding_init=embedding_init)(condition)
        logits += jnp.sum(features * embedding, axis=-1)
    if num_classes and conditioning == "auxiliary":
        classes = nn.Dense(num_classes, kernel_init=kernel_init, name="classes")(features)
    if num_codes:
        codes = nn.Dense(num_codes, kernel_init=kernel_init, name="codes")(features)
    return Verdict(logits, features, classes, codes)
