"""Noise to sample, judged real or fake: the game of Goodfellow et al. 2014, with or without labels.

One round is `n_critic` turns of the discriminator, its lazy penalty if one is due, and a turn of the generator. All
else is a term of their losses, each off unless the config gives it a weight.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax import augment, losses, networks, penalties, regularisers
from gan_jax.config import named
from gan_jax.errors import UserError
from gan_jax.game import Game, Turn
from gan_jax.networks.layers import batch_norms
from gan_jax.noise import per_example
from gan_jax.optimizers import annealed
from gan_jax.views import refuse_inputs

STATISTICS, ALL = ("batch_stats",), ("batch_stats", "spectral")  # the collections that a network's call may change


def make_game(config, image_shape: tuple[int, ...], num_classes: int) -> Game:
    """Generator against discriminator.

    Args:
        config: the keys from `loss` to `networks`, see `gan_jax.config`.
        image_shape: (H, W, C), or (D,) for points.
        num_classes: of the condition; 0: the game is unconditional.

    Raises:
        UserError: a name that does not exist, or things that do not go together.
    """
    loss = named(losses, config.loss, "loss")
    penalty = None
    if config.penalty.name != "none":
        penalty = named(penalties, config.penalty.name, "penalty.name", "none")
    check(config, image_shape, num_classes)
    codes = config.info.categories + config.info.continuous
    generator = networks.build(config, "Generator", shape=image_shape, num_classes=num_classes)
    heads = {"num_codes": codes} if codes else {}
    discriminator = networks.build(config, "Discriminator", num_classes=num_classes, **heads)
    latents = make_prior(config.networks.latent_size, config.info)

    def condition_of(batch):
        return batch["label"] if num_classes else None

    def seen_kimg(batch):
        return batch["step"] * (config.batch_size * config.n_critic / 1000)

    def view(own, batch, images, key):
        """What the discriminator `own` sees of images: all of it, or an augmentation."""
        if config.augment.name == "none":
            return images
        if config.augment.name == "diffaugment":
            return augment.diffaugment(images, key, batch["index"], policy=config.augment.policy)
        if steered(config.augment):
            p = own["augment"]["p"]
        else:
            p = config.augment.p - annealed(config.augment.p, 0, config.augment.speed_kimg, "cosine", seen_kimg(batch))
        return augment.ada(images, key, batch["index"], p, pipe=config.augment.policy)

    def generate(variables, z, condition, mutable=STATISTICS):
        return generator.apply(variables["generator"], z, condition, train=True, mutable=mutable)

    def discriminate(own, images, condition, mutable=STATISTICS):
        return discriminator.apply(own, pack(images, config.pac), condition, train=True, mutable=mutable)

    def penalise(own, batch, fake, key):
        index, real = batch["index"], batch["image"]
        mix = per_example(jax.random.uniform, key, index)
        noise = per_example(jax.random.uniform, jax.random.fold_in(key, 1), index, image_shape)
        view_key = jax.random.fold_in(key, 2)
        critic = lambda images: discriminate(own, view(own, batch, images, view_key), condition_of(batch))[0].logits
        weight = config.penalty.weight
        if config.penalty.decay_kimg:
            weight = annealed(weight, config.penalty.final, config.penalty.decay_kimg, "cosine", seen_kimg(batch))
        return weight * jnp.mean(penalty(critic, real, fake, mix, noise))

    def discriminator_loss(variables, batch, key):
        z_key, key = jax.random.split(key)
        condition, real, own = condition_of(batch), batch["image"], variables["discriminator"]
        z = latents(z_key, batch["index"])
        fake, _ = generate(variables, z, condition)
        real_seen, fake_seen = (view(own, batch, x, jax.random.fold_in(key, n)) for n, x in ((3, real), (4, fake)))
        on_real, updates = discriminate(own, real_seen, condition, ALL)
        own = {**own, **updates}
        on_fake, moved = discriminate(own, fake_seen, condition)
        updates = {**updates, **moved}
        value = jnp.mean(loss.discriminator(on_real.logits, on_fake.logits))
        boundary = loss.boundary(on_real.logits, on_fake.logits)
        metrics = {"real_right": jnp.mean(on_real.logits > boundary), "fake_right": jnp.mean(on_fake.logits < boundary)}

        terms = {}
        if penalty and config.penalty.every == 1:
            terms["penalty"] = penalise(own, batch, fake, key)
        for sort, weight, images, verdict, n in (
            ("real", config.consistency.real, real_seen, on_real, 5),
            ("fake", config.consistency.fake, fake_seen, on_fake, 6),
        ):
            if weight:
                shifted = augment.flip_and_shift(
                    images, jax.random.fold_in(key, n), batch["index"], flip=config.consistency.flip
                )
                again, _ = discriminate(own, shifted, condition)
                terms[f"{sort}_consistency"] = weight * jnp.mean(regularisers.consistency(verdict.logits, again.logits))
        if config.consistency.latent:
            near, _ = generate(variables, neighbours(z, jax.random.fold_in(key, 7), batch), condition)
            again, _ = discriminate(own, view(own, batch, near, jax.random.fold_in(key, 4)), condition)
            change = regularisers.consistency(on_fake.logits, again.logits)
            terms["latent_consistency"] = config.consistency.latent * jnp.mean(change)
        if config.lecam.weight:
            anchors, decay = own["lecam"], config.lecam.decay
            spread = regularisers.lecam(on_real.logits, on_fake.logits, anchors["real"], anchors["fake"])
            terms["lecam"] = config.lecam.weight * jnp.mean(spread)
            now = {"real": jnp.mean(on_real.logits), "fake": jnp.mean(on_fake.logits)}
            updates["lecam"] = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, anchors, now)
        if on_real.classes is not None:
            wrong = (regularisers.cross_entropy(verdict.classes, condition) for verdict in (on_real, on_fake))
            terms["classes"] = config.auxiliary.discriminator * jnp.mean(sum(wrong))
        if codes:
            terms["codes"] = information(on_fake, z)
        if steered(config.augment):
            updates["augment"] = augment.ada_update(
                own["augment"],
                on_real.logits - boundary,
                batch_size=config.batch_size,
                target=config.augment.target,
                speed_kimg=config.augment.speed_kimg,
            )
            metrics["p"] = own["augment"]["p"]
        return value + sum(terms.values()), (updates, {**metrics, **terms})

    def penalty_loss(variables, batch, key):
        z_key, key = jax.random.split(key)
        fake, _ = generate(variables, latents(z_key, batch["index"]), condition_of(batch))
        value = penalise(variables["discriminator"], batch, fake, key)
        return config.penalty.every * value, ({}, {"penalty": value})

    def generator_loss(variables, batch, key):
        batch = enlarged(batch, config.generator_batch, config.batch_size)
        condition, own = condition_of(batch), variables["discriminator"]
        z = latents(key, batch["index"])
        fake, updates = generate(variables, z, condition, ALL)
        variables = {**variables, "generator": {**variables["generator"], **updates}}
        real_seen, fake_seen = (
            view(own, batch, x, jax.random.fold_in(key, n)) for n, x in ((3, batch["image"]), (4, fake))
        )
        on_fake, _ = discriminate(own, fake_seen, condition)
        on_real, _ = discriminate(own, real_seen, condition)

        each = loss.generator(on_real.logits, on_fake.logits)
        if config.top_k.share < 1:
            share = annealed(1.0, config.top_k.share, config.top_k.decay_kimg, "linear", seen_kimg(batch))
            each *= regularisers.top_k(on_fake.logits, share)
        value, terms = config.generator_loss.adversarial * jnp.mean(each), {}
        if config.generator_loss.feature_matching:
            distance = regularisers.feature_matching(on_real.features, on_fake.features)
            terms["feature_matching"] = config.generator_loss.feature_matching * distance
        if config.consistency.diversity:
            near, _ = generate(variables, neighbours(z, jax.random.fold_in(key, 7), batch), condition)
            terms["diversity"] = -config.consistency.diversity * jnp.mean(regularisers.consistency(fake, near))
        if on_fake.classes is not None:
            wrong = regularisers.cross_entropy(on_fake.classes, condition)
            terms["classes"] = config.auxiliary.generator * jnp.mean(wrong)
        if codes:
            terms["codes"] = information(on_fake, z)
        return value + sum(terms.values()), (updates, terms)

    def neighbours(z, key, batch):
        return z + config.consistency.sigma * per_example(jax.random.normal, key, batch["index"], z.shape[1:])

    def information(verdict, z):
        each = regularisers.code_information(verdict.codes, z[:, -codes:], config.info.categories)
        return config.info.weight * jnp.mean(each)

    turns = [Turn("discriminator", "discriminator", discriminator_loss, repeat=config.n_critic)]
    if penalty and config.penalty.every > 1:
        turns.append(Turn("penalty", "discriminator", penalty_loss, every=config.penalty.every))
    turns.append(Turn("generator", "generator", generator_loss))

    z, images = jnp.zeros((2, config.networks.latent_size)), pack(jnp.zeros((2 * config.pac, *image_shape)), config.pac)
    label = jnp.zeros(2, jnp.int32) if num_classes else None
    if penalty and (coupled := batch_norms(discriminator, images, label)):
        raise UserError(
            f"a gradient penalty needs each example's own gradient, but the discriminator normalises over the batch "
            f"({', '.join(coupled)}): set config.networks.discriminator.norm=none or config.penalty.name=none"
        )

    def init(key):
        generator_key, discriminator_key = jax.random.split(key)
        memory = {}
        if config.lecam.weight:
            memory["lecam"] = {"real": jnp.zeros(()), "fake": jnp.zeros(())}
        if steered(config.augment):
            memory["augment"] = augment.ada_init()
        return {
            "generator": dict(generator.init(generator_key, z, label)),
            "discriminator": {**discriminator.init(discriminator_key, images, label), **memory},
        }

    def decode(variables, z, condition=None):
        return generator.apply(variables["generator"], z, condition, train=False)

    def sample(variables, key, index, condition=None):
        return decode(variables, latents(key, index), condition)

    def calibrate(variables, key, index):
        condition = index % num_classes if num_classes else None
        _, updates = generate(variables, latents(key, index), condition, ALL)
        return {**variables, "generator": {**variables["generator"], **updates}}

    def judge(variables, images, condition=None):
        alike = pack(jnp.repeat(images, config.pac, axis=0), config.pac)
        return discriminator.apply(variables["discriminator"], alike, condition, train=False).logits

    return Game(init, tuple(turns), sample, ("generator",), calibrate, judge, latents, decode)


def check(config, image_shape: tuple[int, ...], num_classes: int) -> None:
    """Raises UserError for things that do not go together."""
    pac, points, augmented = config.pac, len(image_shape) == 1, config.augment.name != "none"
    parse = {"none": None, "diffaugment": augment.parse_policy, "ada": augment.parse_pipe}
    if config.augment.name not in parse:
        raise UserError(f"config.augment.name={config.augment.name!r}: must be none, diffaugment or ada")
    if augmented:
        parse[config.augment.name](config.augment.policy)
    if points and (augmented or config.consistency.real or config.consistency.fake):
        raise UserError("config.augment and config.consistency.real and .fake need images, these data are points")
    if pac > 1 and (num_classes or config.info.categories or config.info.continuous):
        raise UserError("config.pac: only examples without labels or codes can be packed: set config.labels=ignore")
    if pac > 1 and config.penalty.name != "none":
        raise UserError("config.pac and config.penalty: a gradient penalty is of single examples, choose one of them")
    if config.penalty.final != 1 and not config.penalty.decay_kimg:
        raise UserError(
            "config.penalty.final needs config.penalty.decay_kimg > 0, the kimg over which the weight falls"
        )
    refuse_inputs(config)
    if config.networks.discriminator.name == "patch":
        raise UserError("config.networks.discriminator.name='patch' is for games that translate images")
    if config.data.labelled:
        raise UserError(f"config.data.labelled={config.data.labelled}: only the semi_supervised game has few labels")
    if config.info.categories + config.info.continuous > config.networks.latent_size:
        raise UserError("config.info: the codes are a part of the latents, more than config.networks.latent_size")


def make_prior(size: int, info) -> Callable:
    """`(key, index) -> z [B, size]`: normal, but for the codes at its end: one of `info.categories`, one-hot, and
    `info.continuous` numbers uniform in [-1, 1] (InfoGAN, Chen et al. 2016)."""

    def latents(key, index):
        z = per_example(jax.random.normal, key, index, (size,))
        if info.continuous:
            uniform = per_example(jax.random.uniform, jax.random.fold_in(key, 1), index, (info.continuous,))
            z = z.at[:, -info.continuous :].set(2 * uniform - 1)
        if info.categories:
            start = size - info.categories - info.continuous
            draw = lambda key, shape: jax.random.randint(key, shape, 0, info.categories)
            category = per_example(draw, jax.random.fold_in(key, 2), index)
            z = z.at[:, start : start + info.categories].set(jax.nn.one_hot(category, info.categories))
        return z

    return latents


def steered(config) -> bool:
    """Whether the discriminator remembers how strong the augmentation is, and adapts it."""
    return config.name == "ada" and config.target > 0


def pack(images: jax.Array, pac: int) -> jax.Array:
    """Each `pac` examples [B, ..., C] in a row as one [B / pac, ..., pac * C].

    Raises:
        UserError: B is not divisible by `pac`.

    Reference: Lin et al. 2018 (PacGAN), section 2.
    """
    if images.shape[0] % pac:
        raise UserError(f"a batch of {images.shape[0]} (on each device) cannot be packed by config.pac={pac}")
    groups = images.reshape(-1, pac, *images.shape[1:])
    return jnp.concatenate([groups[:, n] for n in range(pac)], axis=-1)


def enlarged(batch: dict[str, jax.Array], times: int, batch_size: int) -> dict[str, jax.Array]:
    """A batch that is `times` as large: the same real examples again, with places of their own in the noise."""
    if times == 1:
        return batch
    examples = {name: jnp.concatenate([leaf] * times) for name, leaf in batch.items() if name != "step"}
    index = jnp.concatenate([batch["index"] + n * batch_size for n in range(times)])
    return {**batch, **examples, "index": index}
