"""A classifier that learns from few labels, with the images of a generator as one more class: Improved GAN.

The discriminator gives the logits of K classes. A softmax over K + 1 classes, of which the last, "generated", has the
logit 0, says that an example is real with D(x) = Z / (Z + 1), Z the sum of the exponentials of the K: the sigmoid of
their logsumexp. So what tells real from generated examples also shapes the classes, and needs no labels.
The generator does not fool it but matches the mean of its features. Classes shall not change with the noise in the
discriminator, nor with an augmentation of what it sees.

Reference: Salimans et al. 2016, sections 3.1 and 5; Laine and Aila 2017 (the Pi model), Wei et al. 2018, for the last.
"""

import inspect

import jax
import jax.numpy as jnp

from gan_jax import augment, losses, networks, regularisers
from gan_jax.config import refuse_other_keys, refuse_unheeded
from gan_jax.errors import UserError
from gan_jax.game import Game, Turn
from gan_jax.noise import per_example
from gan_jax.views import refuse_inputs

# What a config may say of this game; each other key must be as `base_config` has it.
HEEDED = (
    "seed", "batch_size", "game", "labels", "augment", "networks", "optimizers", "ema", "data", "evaluation",
    "keep_checkpoints",
)  # fmt: skip


def make_game(config, image_shape: tuple[int, ...], num_classes: int) -> Game:
    """A classifying discriminator against a generator that matches its features.

    Its means of features are over the batch (of one device, under pmap). Without `data.labelled`, all examples are
    labelled ones as well.

    Args:
        config: networks, `augment` (none or diffaugment), and `semi_supervised`: `unlabelled_weight`, of the loss that
            tells real from generated, 0: there is no generator; `consistency`, of the squared change of an unlabelled
            example's probabilities between two views of it. With both 0 the classifier learns from the labels alone.
        image_shape: (H, W, C), or (D,) for points.
        num_classes: K.

    Raises:
        UserError: the config asks for what this game does not have.
    """
    generator = networks.build(config, "Generator", shape=image_shape)
    discriminator = networks.build(config, "Discriminator", num_classes=num_classes)
    check(config, discriminator, image_shape, num_classes)
    weight, consistency = config.semi_supervised.unlabelled_weight, config.semi_supervised.consistency

    def latents(key, index):
        return per_example(jax.random.uniform, key, index, (config.networks.latent_size,))

    def generate(variables, z):
        return generator.apply(variables["generator"], z, train=True, mutable=["batch_stats"])

    def look(variables, images, index, key):
        view_key, key = jax.random.split(key)
        if config.augment.name == "diffaugment":
            images = augment.diffaugment(images, view_key, index, policy=config.augment.policy)
        return discriminator.apply(variables["discriminator"], images, key=key, index=index)

    def discriminator_loss(variables, batch, key):
        z_key, *keys = jax.random.split(key, 5)
        index, which = batch["index"], "labelled_" if "labelled_image" in batch else ""
        labels = batch[f"{which}label"]
        on_labelled = look(variables, batch[f"{which}image"], index, keys[0])
        value = jnp.mean(regularisers.cross_entropy(on_labelled.classes, labels))
        metrics = {"labelled_right": jnp.mean(jnp.argmax(on_labelled.classes, axis=-1) == labels)}
        if weight or consistency:
            on_real = look(variables, batch["image"], index, keys[1])
        if weight:
            fake, _ = generate(variables, latents(z_key, index))
            on_fake = look(variables, fake, index, keys[2])
            metrics["unlabelled"] = 0.5 * jnp.mean(losses.non_saturating.discriminator(on_real.logits, on_fake.logits))
            metrics |= {"real_right": jnp.mean(on_real.logits > 0), "fake_right": jnp.mean(on_fake.logits < 0)}
            value += weight * metrics["unlabelled"]
        if consistency:
            again = look(variables, batch["image"], index, keys[3])
            probabilities = (jax.nn.softmax(verdict.classes) for verdict in (on_real, again))
            metrics["change"] = jnp.mean(regularisers.consistency(*probabilities))
            value += consistency * metrics["change"]
        return value, ({}, metrics)

    def generator_loss(variables, batch, key):
        z_key, *keys = jax.random.split(key, 3)
        fake, updates = generate(variables, latents(z_key, batch["index"]))
        pairs = zip((batch["image"], fake), keys, strict=True)
        on_real, on_fake = (look(variables, x, batch["index"], k) for x, k in pairs)
        return regularisers.feature_matching(on_real.features, on_fake.features), (updates, {})

    turns = [Turn("discriminator", "discriminator", discriminator_loss)]
    if weight:
        turns.append(Turn("generator", "generator", generator_loss))

    def init(key):
        generator_key, discriminator_key = jax.random.split(key)
        z, images = jnp.zeros((2, config.networks.latent_size)), jnp.zeros((2, *image_shape))
        return {
            "generator": dict(generator.init(generator_key, z)),
            "discriminator": dict(discriminator.init(discriminator_key, images)),
        }

    def decode(variables, z, condition=None):
        return generator.apply(variables["generator"], z, train=False)

    def sample(variables, key, index, condition=None):
        return decode(variables, latents(key, index))

    def calibrate(variables, key, index):
        _, updates = generate(variables, latents(key, index))
        return {**variables, "generator": {**variables["generator"], **updates}}

    def judge(variables, images, condition=None):
        return discriminator.apply(variables["discriminator"], images).logits

    def classify(variables, images):
        return discriminator.apply(variables["discriminator"], images).classes

    averaged = ("generator", "discriminator")
    return Game(init, tuple(turns), sample, averaged, calibrate, judge, latents, decode, classify)


def check(config, discriminator, image_shape: tuple[int, ...], num_classes: int) -> None:
    """Raises UserError for what this game does not have."""
    refuse_unheeded(config, HEEDED)
    refuse_inputs(config)
    if not num_classes:
        raise UserError("the semi-supervised game learns classes: set config.labels=require")
    refuse_other_keys(config, "semi_supervised", ("unlabelled_weight", "consistency"))
    if config.augment.name not in ("none", "diffaugment"):
        raise UserError(f"config.augment.name={config.augment.name!r}: this game knows none and diffaugment")
    if config.augment.name != "none":
        augment.parse_policy(config.augment.policy)
        if len(image_shape) == 1:
            raise UserError("config.augment needs images, these data are points")
    if "index" not in inspect.signature(networks.bare(discriminator).__call__).parameters:
        name = config.networks.discriminator.name
        raise UserError(
            f"config.networks.discriminator.name={name!r}: this game's adds noise of its own, as convnet and improved"
        )
