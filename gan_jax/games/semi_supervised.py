"""A classifier that learns from few labels, with the images of a generator as one more class: Improved GAN.

The discriminator gives the logits of K classes. A softmax over K + 1 classes, of which the last, "generated", has the
logit 0, says that an example is real with D(x) = Z / (Z + 1), Z the sum of the exponentials of the K: the sigmoid of
their logsumexp. So what tells real from generated examples also shapes the classes, and needs no labels.
The generator does not fool it but matches the mean of its features. Classes shall not change with the noise in the
discriminator, nor with an augmentation of what it sees.

Reference: Salimans et al. 2016, sections 3.1 and 5; Laine and Aila 2017 (the Pi model), Wei et al. 2018, for the last.
"""

import inspect
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import augmentation, losses, networks, regularizers, terms
from gan_jax.errors import UserError
from gan_jax.game import Game, Map, Turn
from gan_jax.games.pix2pix import seen_kimg
from gan_jax.keys import SIZES, Key, Weight
from gan_jax.latent.decoding import make_decoding
from gan_jax.modalities import Fields
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.noise import GENERATOR, per_example
from gan_jax.preprocess import of_images
from gan_jax.terms import Term, feature_matching


def supervised(weight: Weight = 1.0) -> Term:
    """The cross-entropy of the labeled examples.

    Args:
        weight: of the term.
    """
    loss = lambda c: jnp.mean(regularizers.cross_entropy(c.on_labeled.classes, c.labels))
    return Term("supervised", "discriminator", loss, weight)


def unlabeled(weight: Weight = 1.0) -> Term:
    """What tells real from generated examples; without it there is no generator.

    Args:
        weight: of the term.
    """

    def loss(c):
        return 0.5 * jnp.mean(losses.non_saturating.discriminator(c.on_real.logits, c.on_fake.logits))

    return Term("unlabeled", "discriminator", loss, weight)


def agreement(weight: Weight = 100.0) -> Term:
    """The squared change of an unlabeled example's probabilities between two augmentations and noises.

    Args:
        weight: of the term.
    """

    def loss(c):
        probabilities = (jax.nn.softmax(output.classes) for output in (c.on_real, c.again()))
        return jnp.mean(regularizers.consistency(*probabilities))

    return Term("agreement", "discriminator", loss, weight)


TERMS = {"supervised": supervised, "unlabeled": unlabeled, "agreement": agreement, "feature_matching": feature_matching}
KEYS = {
    "terms": terms.keys(TERMS),
    "augment": {
        "name": augmentation.KEYS["name"]._replace(choices=("none", "diffaugment")),
        "policy": augmentation.KEYS["policy"],
    },
    "networks": {
        "latent_size": Key(100, "Z", 1, SIZES),
        "generator": networks.keys("Generator", name="dcgan"),
        "discriminator": networks.keys("Discriminator", name="convnet"),
    },
}
DEFAULTS = {"terms": {"supervised": {}, "unlabeled": {}, "feature_matching": {}}}


class Context(NamedTuple):
    """What the terms of a turn see.

    Attributes:
        kimg: seen so far.
        labels: int [B], of the labeled examples.
        on_labeled, on_real, on_fake: the discriminator's output; None where the turn has no use for it.
        again: the output on the real examples once more, with other noise and another augmentation.
    """

    kimg: jax.Array
    labels: jax.Array | None
    on_labeled: DiscriminatorOutput | None
    on_real: DiscriminatorOutput
    on_fake: DiscriminatorOutput
    again: Callable | None = None


def make_game(config, fields: Fields) -> Game:
    """A classifying discriminator against a generator that matches its features.

    Its means of features are over the batch (of one device, under pmap). Without `data.labeled`, all examples are
    labeled ones as well.

    Args:
        config: see `KEYS`. Without the terms "unlabeled" and "agreement" the classifier learns from the labels alone.
        fields: of the data, of which the first is generated and classified, and "label".

    Raises:
        UserError: the config asks for what this game does not have.
    """
    target, own_terms = next(iter(fields)), terms.make_terms(config.terms, TERMS, lazy=False)
    names, shape = {term.name for term in own_terms}, fields[target].shape
    check(config, fields, names)
    generator = networks.build(config, "Generator", shape=shape)
    discriminator = networks.build(config, "Discriminator", num_classes=len(fields["label"].names))
    if "index" not in inspect.signature(networks.bare(discriminator).__call__).parameters:
        raise UserError(
            f"--config.networks.discriminator.name={config.networks.discriminator.name}: this game's adds noise of its "
            f"own, as convnet and improved"
        )
    of_discriminator, _ = terms.split(own_terms, "discriminator")
    of_generator, _ = terms.split(own_terms, "generator")

    def latents(key, index):
        return per_example(jax.random.uniform, key, index, (config.networks.latent_size,))

    def generate(variables, key, index):
        noise = networks.noise_of(generator, jax.random.fold_in(key, GENERATOR), index)
        mutable = ["batch_stats", "w_average"]
        return generator.apply(variables["generator"], latents(key, index), train=True, mutable=mutable, **noise)

    def discriminate(variables, examples, index, key):
        augment_key, key = jax.random.split(key)
        examples = augmenter.apply(examples, augment_key, index, variables["discriminator"], None)
        return discriminator.apply(variables["discriminator"], examples, key=key, index=index)

    def discriminator_loss(variables, batch, key):
        z_key, *keys = jax.random.split(key, 5)
        index, labeled = batch["index"], batch.get("labeled", batch)
        fake, _ = generate(variables, z_key, index)
        examples = labeled[target], batch[target], fake
        outputs = [discriminate(variables, x, index, k) for x, k in zip(examples, keys[:3], strict=True)]
        again = lambda: discriminate(variables, batch[target], index, keys[3])
        c = Context(seen_kimg(config, batch), labeled["label"], *outputs, again)
        value, (updates, metrics) = terms.total(of_discriminator, c)
        metrics["labeled_accuracy"] = jnp.mean(jnp.argmax(c.on_labeled.classes, axis=-1) == c.labels)
        if "unlabeled" in names:
            metrics |= losses.accuracy(losses.non_saturating, c.on_real.logits, c.on_fake.logits)
        return value, (updates, metrics)

    def generator_loss(variables, batch, key):
        z_key, *keys = jax.random.split(key, 3)
        fake, updates = generate(variables, z_key, batch["index"])
        pairs = zip((batch[target], fake), keys, strict=True)
        outputs = [discriminate(variables, x, batch["index"], k) for x, k in pairs]
        value, (remembered, metrics) = terms.total(
            of_generator, Context(seen_kimg(config, batch), None, None, *outputs)
        )
        return value, ({**updates, **remembered}, metrics)

    augmenter = augmentation.make_augmentation(config.augment, config.batch_size)
    turns = [Turn("discriminator", "discriminator", discriminator_loss)]
    if "unlabeled" in names:
        turns.append(Turn("generator", "generator", generator_loss))

    def init(key):
        generator_key, discriminator_key = jax.random.split(key)
        z, examples = jnp.zeros((2, config.networks.latent_size)), jnp.zeros((2, *shape))
        players = {
            "generator": dict(generator.init(generator_key, z)),
            "discriminator": dict(discriminator.init(discriminator_key, examples)),
        }
        return {player: {**own, **terms.memory_of(own_terms, player)} for player, own in players.items()}

    def logits(variables, examples):
        return discriminator.apply(variables["discriminator"], examples).logits

    def classify(variables, key, index, given):
        return discriminator.apply(variables["discriminator"], given[target]).classes

    decoding = make_decoding(generator, latents, config.networks.latent_size)
    return Game(
        init,
        tuple(turns),
        {"sample": Map((), target, decoding.sample), "classify": Map((target,), "label", classify)},
        averaged=("generator", "discriminator"),
        spaces=decoding.spaces,
        calibrate=decoding.calibrate,
        discriminate=logits,
        preprocess=of_images(config.data, fields),
    )


def check(config, fields: Fields, names: set[str]) -> None:
    """Raises UserError for what this game does not have."""
    if "label" not in fields:
        raise UserError(f"the semi-supervised game learns classes, but {config.data.source} has no labels")
    if not names & {"supervised", "unlabeled", "agreement"}:
        raise UserError("--config.terms: the discriminator learns from nothing: set --config.terms.supervised.weight=1")
    if ("unlabeled" in names) and "feature_matching" not in names:
        raise UserError(
            "--config.terms: the generator learns from nothing: set --config.terms.feature_matching.weight=1"
        )
    if config.networks.generator.spectral or config.networks.discriminator.spectral:
        raise UserError("this game's networks are not divided by singular values: set their spectral to false")
    if config.augment.name != "none" and next(iter(fields.values())).modality.name != "image":
        raise UserError("--config.augment needs images")
