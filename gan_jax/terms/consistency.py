"""Consistency regularization: what changes little shall change little what the discriminator says.

Reference: Zhang et al. 2020 (CR-GAN), `real_consistency`; Zhao et al. 2021 (ICR-GAN), section 3.1, `fake_consistency`
as well (bCR), section 3.2, `latent_consistency` and `diversity` (zCR), whose sigma is 0.03 in the paper, 0.05 for
StudioGAN's BigGAN, with weights 0.5 and 20.
"""

import jax
import jax.numpy as jnp

from gan_jax import augment, regularizers
from gan_jax.keys import Weight
from gan_jax.noise import per_example
from gan_jax.terms.term import Term


def real_consistency(weight: Weight = 10.0, flip: bool = True) -> Term:
    """The discriminator's logits of real images and of their augmentations: the squared distance.

    Args:
        weight: lambda_real.
        flip: whether images are augmented by flips too, as digits must not be.
    """
    loss = lambda c: _of_augmented(c, c.real_augmented, c.on_real, 5, flip)
    return Term("real_consistency", "discriminator", loss, weight)


def fake_consistency(weight: Weight = 10.0, flip: bool = True) -> Term:
    """The discriminator's logits of generated images and of their augmentations: the squared distance.

    Args:
        weight: lambda_fake.
        flip: whether images are augmented by flips too, as digits must not be.
    """
    loss = lambda c: _of_augmented(c, c.fake_augmented, c.on_fake, 6, flip)
    return Term("fake_consistency", "discriminator", loss, weight)


def _of_augmented(c, images, output, n, flip):
    shifted = augment.flip_and_shift(images, jax.random.fold_in(c.key, n), c.batch["index"], flip=flip)
    return jnp.mean(regularizers.consistency(output.logits, c.discriminate(shifted).logits))


def latent_consistency(weight: Weight = 5.0, sigma: Weight = 0.03) -> Term:
    """The discriminator's logits of what neighboring latents become: the squared distance.

    Args:
        weight: lambda_dis.
        sigma: standard deviation of the step from a latent to its neighbor.
    """

    def loss(c):
        output = c.discriminate(c.augment(c.generate(_neighbors(c, sigma)), 4))
        return jnp.mean(regularizers.consistency(c.on_fake.logits, output.logits))

    return Term("latent_consistency", "discriminator", loss, weight)


def diversity(weight: Weight = 0.5, sigma: Weight = 0.03) -> Term:
    """Minus the squared distance of what neighboring latents become: the generator drives it apart.

    Args:
        weight: lambda_gen.
        sigma: standard deviation of the step from a latent to its neighbor.
    """
    loss = lambda c: -jnp.mean(regularizers.consistency(c.fake, c.generate(_neighbors(c, sigma))))
    return Term("diversity", "generator", loss, weight)


def _neighbors(c, sigma):
    key = jax.random.fold_in(c.key, 7)
    return c.z + sigma * per_example(jax.random.normal, key, c.batch["index"], c.z.shape[1:])
