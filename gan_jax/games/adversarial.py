"""Noise to sample, judged real or fake: the game of Goodfellow et al. 2014, with or without labels.

One round is `n_critic` turns of the discriminator, its lazy penalty if one is due, and a turn of the generator.
"""

import jax
import jax.numpy as jnp

from gan_jax import losses, networks, penalties
from gan_jax.config import named
from gan_jax.errors import UserError
from gan_jax.game import Game, Turn
from gan_jax.networks.layers import batch_norms
from gan_jax.noise import per_example


def make_game(config, image_shape: tuple[int, ...], num_classes: int) -> Game:
    """Generator against discriminator.

    Args:
        config: networks.{latent_size, generator, discriminator}, loss, penalty.{name, weight, every} and n_critic, see
            `gan_jax.config`.
        image_shape: (H, W, C), or (D,) for points.
        num_classes: of the condition; 0: the game is unconditional.

    Raises:
        UserError: a name that does not exist, or a penalty on a critic with batch normalisation.
    """
    latent_size = config.networks.latent_size
    generator = networks.build(config.networks.generator, "Generator", shape=image_shape, num_classes=num_classes)
    discriminator = networks.build(config.networks.discriminator, "Discriminator", num_classes=num_classes)
    loss = named(losses, config.loss, "loss")
    penalty = None
    if config.penalty.name != "none":
        penalty = named(penalties, config.penalty.name, "penalty.name", "none")

    def condition_of(batch):
        return batch["label"] if num_classes else None

    def latents(key, index):
        return per_example(jax.random.normal, key, index, (latent_size,))

    def generate(variables, z, condition):
        return generator.apply(variables, z, condition, train=True, mutable=["batch_stats"])

    def discriminate(variables, images, condition):
        return discriminator.apply(variables, images, condition, train=True, mutable=["batch_stats"])

    def penalise(variables, batch, fake, key):
        mix = per_example(jax.random.uniform, key, batch["index"])
        critic = lambda images: discriminate(variables, images, condition_of(batch))[0]
        return config.penalty.weight * jnp.mean(penalty(critic, batch["image"], fake, mix))

    def discriminator_loss(variables, batch, key):
        z_key, mix_key = jax.random.split(key)
        condition = condition_of(batch)
        fake, _ = generate(variables["generator"], latents(z_key, batch["index"]), condition)
        real_logits, updates = discriminate(variables["discriminator"], batch["image"], condition)
        fake_logits, updates = discriminate({**variables["discriminator"], **updates}, fake, condition)
        value = jnp.mean(loss.discriminator(real_logits, fake_logits))
        boundary = loss.boundary(real_logits, fake_logits)
        metrics = {"real_right": jnp.mean(real_logits > boundary), "fake_right": jnp.mean(fake_logits < boundary)}
        if penalty and config.penalty.every == 1:
            metrics["penalty"] = penalise(variables["discriminator"], batch, fake, mix_key)
            value += metrics["penalty"]
        return value, (updates, metrics)

    def penalty_loss(variables, batch, key):
        z_key, mix_key = jax.random.split(key)
        fake, _ = generate(variables["generator"], latents(z_key, batch["index"]), condition_of(batch))
        value = penalise(variables["discriminator"], batch, fake, mix_key)
        return config.penalty.every * value, ({}, {"penalty": value})

    def generator_loss(variables, batch, key):
        condition = condition_of(batch)
        fake, updates = generate(variables["generator"], latents(key, batch["index"]), condition)
        fake_logits, _ = discriminate(variables["discriminator"], fake, condition)
        real_logits, _ = discriminate(variables["discriminator"], batch["image"], condition)
        return jnp.mean(loss.generator(real_logits, fake_logits)), (updates, {})

    turns = [Turn("discriminator", "discriminator", discriminator_loss, repeat=config.n_critic)]
    if penalty and config.penalty.every > 1:
        turns.append(Turn("penalty", "discriminator", penalty_loss, every=config.penalty.every))
    turns.append(Turn("generator", "generator", generator_loss))

    z, image = jnp.zeros((2, latent_size)), jnp.zeros((2, *image_shape))
    label = jnp.zeros(2, jnp.int32) if num_classes else None
    if penalty and (coupled := batch_norms(discriminator, image, label)):
        raise UserError(
            f"a gradient penalty needs each example's own gradient, but the discriminator normalises over the batch "
            f"({', '.join(coupled)}): set config.networks.discriminator.norm=none or config.penalty.name=none"
        )

    def init(key):
        generator_key, discriminator_key = jax.random.split(key)
        return {
            "generator": dict(generator.init(generator_key, z, label)),
            "discriminator": dict(discriminator.init(discriminator_key, image, label)),
        }

    def decode(variables, z, condition=None):
        return generator.apply(variables["generator"], z, condition, train=False)

    def sample(variables, key, index, condition=None):
        return decode(variables, latents(key, index), condition)

    def calibrate(variables, key, index):
        condition = index % num_classes if num_classes else None
        _, updates = generate(variables["generator"], latents(key, index), condition)
        return {**variables, "generator": {**variables["generator"], **updates}}

    def judge(variables, images, condition=None):
        return discriminator.apply(variables["discriminator"], images, condition, train=False)

    return Game(init, tuple(turns), sample, ("generator",), calibrate, judge, latents, decode)
