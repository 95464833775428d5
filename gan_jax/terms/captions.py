"""Terms of games that make images of captions; see `gan_jax.games.stackgan.Context`."""

from typing import Annotated

import jax.numpy as jnp

from gan_jax import regularizers
from gan_jax.evaluation.matcher import unit
from gan_jax.keys import Weight
from gan_jax.terms.term import Term


def kl(weight: Weight = 2.0) -> Term:
    """The Kullback-Leibler divergence of what a generator gets of a caption from noise, its mean over the numbers.

    Args:
        weight: the paper's lambda is 1, that of the authors' code 2.

    Reference: Zhang et al. 2017, eq. 2.
    """
    per_number = lambda c: regularizers.kl_divergence(c.mean, c.log_variance) / c.mean.shape[-1]
    return Term("kl", "generator", lambda c: jnp.mean(per_number(c)), weight)


def contrastive(weight: Weight = 1.0, temperature: Annotated[float, (1e-3, 1e3)] = 0.1) -> tuple[Term, Term, Term]:
    """Which caption of the batch belongs to which image, by a discriminator's features, see `regularizers.contrastive`.

    The discriminator and the encoder of captions learn it of real images, the generator of its own.

    Args:
        weight: in all three losses.
        temperature: by which the cosines of images and captions are divided.

    Reference: Zhang et al. 2021 (XMC-GAN), their term of images and sentences.
    """

    def loss(c, output):
        cosines = unit(c.head("contrastive", output)) @ unit(c.encoded).T
        return regularizers.contrastive(cosines / temperature, c.batch["caption"])

    real, fake = (lambda c: loss(c, c.on_real)), (lambda c: loss(c, c.on_fake))
    players = {"text": real, "discriminator": real, "generator": fake}
    return tuple(Term("contrastive", player, own, weight) for player, own in players.items())


def named(discriminator: Weight = 1.0, generator: Weight = 0.1) -> tuple[Term, Term]:
    """The words of a caption, told by a discriminator's features of an image alone, see `regularizers.bag_of_words`.

    The discriminator learns it of real images, the generator of its own. It is what the auxiliary classifier is where
    images have labels: a word that is seldom all that tells two captions apart, is learned too.

    Args:
        discriminator: weight in its loss, where real images are looked at.
        generator: weight in its loss, where its own are; a tenth, as in AC-GANs of Gulrajani et al. 2017.

    Reference: Joulin et al. 2016, who learn features of images so; Odena et al. 2017 (AC-GAN) and Dash et al. 2017
        (TAC-GAN), who have a classifier beside the discriminator.
    """

    loss = lambda c, output: jnp.mean(regularizers.bag_of_words(c.head("named", output), c.batch["caption"]))
    return (
        Term("named", "discriminator", lambda c: loss(c, c.on_real), discriminator),
        Term("named", "generator", lambda c: loss(c, c.on_fake), generator),
    )
