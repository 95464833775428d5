"""Noise to sample, told real from fake: the game of Goodfellow et al. 2014, with or without labels.

One round is `n_critic` turns of the discriminator, its lazy terms if they are due, and a turn of the generator. The
losses are lists of terms, `config.terms`; what the discriminator sees (`augment`, `pac`) and which fakes the generator
learns from (`generator_batch`, `top_k`) are kinds of their own. Generated examples have the labels of the batch's real
ones; many authors draw them uniformly, which is the same where classes are equally frequent.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import augmentation, growing, losses, networks, penalties, regularizers, terms
from gan_jax.errors import UserError
from gan_jax.game import Game, Map, Turn
from gan_jax.keys import SIZES, TINY, Key
from gan_jax.latent.decoding import make_decoding
from gan_jax.latent.prior import make_prior
from gan_jax.lookup import lookup
from gan_jax.modalities import Fields, model_shape
from gan_jax.noise import DISCRIMINATOR, GENERATOR
from gan_jax.preprocess import of_images
from gan_jax.schedules import annealed
from gan_jax.terms.adversarial import OBJECTIVE
from gan_jax.terms.penalties import reject_batch_norms

# The collections that a network's call may change: in any turn, and in one of its own player.
STATISTICS, ALL = ("batch_stats",), ("batch_stats", "spectral", "w_average")
KEYS = {
    "labels": Key("ignore", "as the condition; auto: if there are any", choices=("ignore", "auto", "require")),
    "loss": Key("non_saturating", "the objective, of gan_jax.losses", choices=tuple(losses.__all__)),
    "terms": terms.keys(terms.TERMS),
    "n_critic": Key(1, "turns of the discriminator in a round", 1, SIZES),
    "generator_batch": Key(1, "the generator's batch, as a multiple of batch_size", 1, SIZES),
    "top_k": {
        "share": Key(1.0, "of the fakes that the generator learns from", TINY, 1),
        "decay_kimg": Key(0.0, "in which it falls to that from 1, linearly", 0),
    },
    "pac": Key(1, "examples that the discriminator sees at once (Lin et al. 2018)", 1, SIZES),
    "augment": augmentation.KEYS,
    "growing": growing.KEYS,
    "codes": {
        "categories": Key(0, "of a categorical latent code (InfoGAN)", 0, SIZES),
        "continuous": Key(0, "continuous latent codes", 0, SIZES),
    },
    "networks": {
        "latent_size": Key(100, "Z, with the latent codes", 1, SIZES),
        "prior": Key("normal", "of the latents: N(0, 1), or uniform in [-1, 1]", choices=("normal", "uniform")),
        "generator": networks.keys("Generator", name="dcgan"),
        "discriminator": networks.keys("Discriminator", name="dcgan"),
    },
}  # fmt: skip
DEFAULTS = {"terms": {"adversarial": {}}}
NEEDS_IMAGES = ("real_consistency", "fake_consistency")


class Context(NamedTuple):
    """What the terms of a turn see.

    Attributes:
        batch: with "index" and "step"; of a larger `generator_batch` already enlarged.
        key: of the turn; terms fold a number of their own into it.
        kimg: seen so far.
        condition: labels int [B] (or weights [B, K]); None: the game is unconditional.
        loss: the objective, see `gan_jax.losses.Loss`.
        own: the variables of the player whose turn it is.
        z, real, fake: latents [B, Z], examples [B, ...].
        real_augmented, fake_augmented: as the discriminator sees them.
        on_real, on_fake: its `DiscriminatorOutput` for these; None in a lazy turn, whose terms call `discriminate`.
        generate: `z -> examples`.
        styles, synthesize: the two steps of that, `z -> w [B, L, W]` and `w -> examples`, of a generator that has them.
        augment: `(examples, number) -> examples`: the same draws for the same number, 3 of real and 4 of fake examples.
        discriminate: `augmented examples -> DiscriminatorOutput`.
        categories: of the categorical latent code.
    """

    batch: dict
    key: jax.Array
    kimg: jax.Array
    condition: jax.Array | None
    loss: losses.Loss
    own: dict
    z: jax.Array
    real: jax.Array
    fake: jax.Array
    real_augmented: jax.Array | None
    fake_augmented: jax.Array | None
    on_real: Any
    on_fake: Any
    generate: Callable
    styles: Callable
    synthesize: Callable
    augment: Callable
    discriminate: Callable
    categories: int


def make_game(config, fields: Fields) -> Game:
    """Generator against discriminator.

    Args:
        config: see `KEYS`.
        fields: of the data, of which the first is generated; "label" may be the condition.

    Raises:
        UserError: a name that does not exist, or things that do not go together.
    """
    target, num_classes = next(iter(fields)), len(fields["label"].names) if conditional(config, fields) else 0
    own_terms, shape = terms.make_terms(config.terms, terms.TERMS), model_shape(fields[target])
    codes = config.codes.categories + config.codes.continuous
    check(config, fields[target].modality.name, num_classes, own_terms)
    loss, augmenter = (
        lookup(losses, config.loss, "loss"),
        augmentation.make_augmentation(config.augment, config.batch_size),
    )
    generator = networks.build(config, "Generator", shape=shape, num_classes=num_classes)
    if "path_length" in config.terms and not networks.has_styles(generator):
        raise UserError(
            f"--config.terms.path_length: the generator, {config.networks.generator.name}, has no styles; stylegan2 has"
        )
    heads = {"num_codes": codes} if codes else {}
    heads |= {"san": True} if "san" in config.terms else {}
    stages = growing.stages(config, shape, config.batch_size * config.n_critic)
    heads |= {"shape": shape} if len(stages) > 1 else {}
    discriminator = networks.build(config, "Discriminator", num_classes=num_classes, **heads)
    if len(stages) > 1 and not networks.takes(generator, "level"):
        raise UserError(f"--config.growing: the network {config.networks.generator.name} cannot grow; progan can")
    latents = make_prior(config.networks.latent_size, config.networks.prior, config.codes)
    of_discriminator, lazy_of_discriminator = terms.split(own_terms, "discriminator")
    of_generator, lazy_of_generator = terms.split(own_terms, "generator")

    def condition_of(batch):
        return batch["label"] if num_classes else None

    def noise_of(batch, key):
        return networks.noise_of(generator, jax.random.fold_in(key, GENERATOR), batch["index"])

    def generate(stage, variables, z, batch, key, mutable=STATISTICS):
        own = {**noise_of(batch, key), **stage.arguments(batch["step"])}
        return generator.apply(variables["generator"], z, condition_of(batch), train=True, mutable=mutable, **own)

    def discriminate(stage, own, examples, batch, key, mutable=STATISTICS):
        noise = networks.noise_of(discriminator, jax.random.fold_in(key, DISCRIMINATOR), batch["index"][:: config.pac])
        examples, noise = pack(examples, config.pac), {**noise, **stage.arguments(batch["step"])}
        return discriminator.apply(own, examples, condition_of(batch), train=True, mutable=mutable, **noise)

    def begin(stage, player, variables, batch, key, z, mutable=STATISTICS):
        """The context of a player's turn, in which the discriminator has not been called yet."""
        critic, call = variables["discriminator"], partial(generator.apply, variables["generator"])
        kimg = batch["step"] * (config.batch_size * config.n_critic / 1000)
        fake, updates = generate(stage, variables, z, batch, key, mutable)

        def augment(examples, number):
            draws = jax.random.fold_in(key, 3 if config.augment.paired and number == 4 else number)
            return augmenter.apply(examples, draws, batch["index"], critic, kimg)

        context = Context(
            batch, key, kimg, condition_of(batch), loss, variables[player],
            z, stage.seen(batch[target], batch["step"]), fake, None, None, None, None,
            generate=lambda z: generate(stage, variables, z, batch, key)[0],
            styles=lambda z: call(z, condition_of(batch), train=True, method="styles", **noise_of(batch, key)),
            synthesize=lambda w: call(w, method="synthesize", **noise_of(batch, key)),
            augment=augment,
            discriminate=lambda x: discriminate(stage, critic, x, batch, key)[0],
            categories=config.codes.categories,
        )  # fmt: skip
        return context, updates

    def discriminator_loss(stage, variables, batch, key):
        z_key, key = jax.random.split(key)
        z = latents(z_key, batch["index"])
        c, _ = begin(stage, "discriminator", variables, batch, key, z)
        real, fake = c.augment(c.real, 3), c.augment(c.fake, 4)
        # Real and fake examples are discriminated with the same spectral norms, which move once a turn.
        on_real, updates = discriminate(stage, c.own, real, batch, jax.random.fold_in(key, 3), ALL)
        own = {**c.own, **updates}
        on_fake, moved = discriminate(stage, own, fake, batch, jax.random.fold_in(key, 4))
        c = c._replace(
            own=own, real_augmented=real, fake_augmented=fake, on_real=on_real, on_fake=on_fake,
            discriminate=lambda x: discriminate(stage, own, x, batch, key)[0],
        )  # fmt: skip
        value, (remembered, metrics) = terms.total([OBJECTIVE, *of_discriminator], c)
        margins = on_real.logits - loss.boundary(on_real.logits, on_fake.logits)
        augmented, p = augmenter.update(own, margins)
        metrics = {**losses.accuracy(loss, on_real.logits, on_fake.logits), **p, **metrics}
        updates = {**updates, **moved, **stage.progress(batch["step"])}
        return value, ({**updates, **remembered, **augmented}, metrics)

    def generator_loss(stage, variables, batch, key):
        batch = enlarged(batch, config.generator_batch, config.batch_size)
        c, updates = begin(stage, "generator", variables, batch, key, latents(key, batch["index"]), ALL)
        variables = {**variables, "generator": {**variables["generator"], **updates}}
        real, fake = c.augment(c.real, 3), c.augment(c.fake, 4)
        c = c._replace(
            loss=selective(loss, config.top_k, c.kimg), real_augmented=real, fake_augmented=fake,
            on_fake=c.discriminate(fake), on_real=c.discriminate(real),
            generate=lambda z: generate(stage, variables, z, batch, key)[0],
        )  # fmt: skip
        value, (remembered, metrics) = terms.total(of_generator, c)
        return value, ({**updates, **stage.progress(batch["step"]), **remembered}, metrics)

    def lazy_loss(term, stage, variables, batch, key):
        z_key, key = jax.random.split(key)
        z = latents(z_key, batch["index"])
        return terms.total([term], begin(stage, term.player, variables, batch, key, z)[0])

    turns = []
    for stage in stages:
        turn = lambda name, player, loss, stage=stage, **own: Turn(
            f"{name}{stage.name}", player, partial(loss, stage), first=stage.first, last=stage.last, **own
        )
        lazy = lambda term, turn=turn: turn(term.name, term.player, partial(lazy_loss, term), every=term.every)
        turns += [
            turn("discriminator", "discriminator", discriminator_loss, repeat=config.n_critic),
            *map(lazy, lazy_of_discriminator),
            turn("generator", "generator", generator_loss),
            *map(lazy, lazy_of_generator),
        ]

    z, examples = jnp.zeros((2, config.networks.latent_size)), pack(jnp.zeros((2 * config.pac, *shape)), config.pac)
    label = jnp.zeros(2, jnp.int32) if num_classes else None
    reject_batch_norms(own_terms, discriminator, examples, label)

    def init(key):
        generator_key, discriminator_key = jax.random.split(key)
        players = {
            "generator": dict(generator.init(generator_key, z, label)),
            "discriminator": {**discriminator.init(discriminator_key, examples, label), **augmenter.memory},
        }
        growth = stages[0].progress(0)
        return {player: {**own, **terms.memory_of(own_terms, player), **growth} for player, own in players.items()}

    def logits(variables, examples):
        alike = pack(jnp.repeat(examples, config.pac, axis=0), config.pac)
        return discriminator.apply(variables["discriminator"], alike, None, train=False).logits

    given = ("label",) if num_classes else ()
    decoding = make_decoding(generator, latents, config.networks.latent_size, num_classes)
    return Game(
        init,
        tuple(turns),
        {"sample": Map(given, target, decoding.sample)},
        spaces=decoding.spaces,
        calibrate=decoding.calibrate,
        discriminate=None if num_classes else logits,
        preprocess=of_images(config.data, fields),
    )


def conditional(config, fields: Fields) -> bool:
    """Whether the game is conditioned on the labels of the data.

    Raises:
        UserError: `labels` is require and there are none.
    """
    if config.labels == "require" and "label" not in fields:
        raise UserError(f"--config.labels is require, but {config.data.source} has no labels")
    return config.labels != "ignore" and "label" in fields


def check(config, modality: str, num_classes: int, own_terms: list[terms.Term]) -> None:
    """Raises UserError for things that do not go together."""
    pac, names = config.pac, {term.name for term in own_terms}
    codes = config.codes.categories + config.codes.continuous
    if modality != "image":
        for name in ["augment", *(f"terms.{name}" for name in NEEDS_IMAGES if name in names)]:
            if name != "augment" or config.augment.name != "none":
                raise UserError(f"--config.{name} needs images, these data are {modality}")
    if pac > 1 and (num_classes or codes):
        raise UserError("--config.pac: only examples without labels or codes can be packed: set --config.labels=ignore")
    if pac > 1 and names & set(penalties.__all__):
        raise UserError("--config.pac and a gradient penalty, which is of single examples: choose one of them")
    if not any(term.player == "generator" and term.every == 1 for term in own_terms):
        raise UserError("--config.terms: the generator learns from nothing: set --config.terms.adversarial.weight=1")
    auxiliary = config.networks.discriminator.get("conditioning") == "auxiliary" and num_classes > 0
    if auxiliary != ("classes" in config.terms):
        raise UserError(
            "--config.terms.classes and --config.networks.discriminator.conditioning=auxiliary belong together, with "
            "labels as the condition"
        )
    if bool(codes) != ("codes" in config.terms):
        raise UserError("--config.terms.codes and config.codes (categories, continuous) belong together")
    if config.networks.discriminator.name == "patch":
        raise UserError("--config.networks.discriminator.name=patch is for games that translate images")
    if config.data.labeled:
        raise UserError(f"--config.data.labeled={config.data.labeled}: only the semi_supervised game has few labels")
    if codes > config.networks.latent_size:
        raise UserError("config.codes: the codes are a part of the latents, more than --config.networks.latent_size")


def selective(loss: losses.Loss, top_k, kimg: jax.Array) -> losses.Loss:
    """The objective whose generator learns from the most convincing fakes alone (Sinha et al. 2020)."""
    if top_k.share == 1:
        return loss
    share = annealed(1.0, top_k.share, top_k.decay_kimg, "linear", kimg)
    return loss._replace(generator=lambda real, fake: loss.generator(real, fake) * regularizers.top_k(fake, share))


def pack(examples: jax.Array, pac: int) -> jax.Array:
    """Each `pac` examples [B, ..., C] in a row as one [B / pac, ..., pac * C].

    Raises:
        UserError: B is not divisible by `pac`.

    Reference: Lin et al. 2018 (PacGAN), section 2.
    """
    if examples.shape[0] % pac:
        raise UserError(f"a batch of {examples.shape[0]} (on each device) cannot be packed by --config.pac={pac}")
    groups = examples.reshape(-1, pac, *examples.shape[1:])
    return jnp.concatenate([groups[:, n] for n in range(pac)], axis=-1)


def enlarged(batch: dict[str, jax.Array], times: int, batch_size: int) -> dict[str, jax.Array]:
    """A batch that is `times` as large: the same real examples again, with places of their own in the noise."""
    if times == 1:
        return batch
    examples = {name: jnp.concatenate([leaf] * times) for name, leaf in batch.items() if name != "step"}
    index = jnp.concatenate([batch["index"] + n * batch_size for n in range(times)])
    return {**batch, **examples, "index": index}
