"""An image made from another one: the game of Isola et al. 2017 on pairs of input and target.

The generator makes the target from the input; the discriminator sees the input beside the target or beside what was
made, and scores patches of the two. The generator's noise is its dropout, which stays on when it is used.

With `scales`, feature matching, a perceptual term and the network `spade` it is the game of Park et al. 2019. If that
network has an encoder of styles, photographs are made in training with the latents of their targets, near which "kl"
keeps the latents of noise, and the map "styled" gives one picture the style of another.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import losses, networks, regularizers, terms
from gan_jax.errors import UserError
from gan_jax.game import Game, Map, Turn
from gan_jax.keys import Key, Weight
from gan_jax.lookup import lookup
from gan_jax.modalities import Fields
from gan_jax.networks import applied
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.networks.resampling import pool
from gan_jax.noise import per_example
from gan_jax.perceptual import Perceptual
from gan_jax.preprocess import make_preprocess
from gan_jax.terms import Term, adversarial
from gan_jax.terms.perceptual import frozen_network, perceptual


def l1(weight: Weight = 100.0) -> Term:
    """The mean absolute difference of what is made and the target.

    Args:
        weight: the paper's lambda.

    Reference: Isola et al. 2017, eq. 3.
    """
    return Term("l1", "generator", lambda c: jnp.mean(jnp.abs(c.target - c.fake)), weight)


def feature_matching(weight: Weight = 10.0) -> Term:
    """The mean absolute difference of what the discriminator's layers compute of the target and of what is made.

    Args:
        weight: of the sum over layers, the mean over scales.

    Reference: Wang et al. 2018 (pix2pixHD), eq. 4, and the authors' code, which has the mean over each layer.
    """

    def loss(c):
        pairs = zip(c.on_real.maps, c.on_fake.maps, strict=True)
        return sum(jnp.mean(jnp.abs(real - fake)) for real, fake in pairs)

    return Term("feature_matching", "generator", loss, weight)


def kl(weight: Weight = 0.05) -> Term:
    """The Kullback-Leibler divergence of the latents of the target from those of noise.

    Args:
        weight: of the sum over latents, the mean over the batch; the authors' code has the sum over the batch of each
            device.

    Reference: Park et al. 2019, appendix A.
    """
    return Term("kl", "generator", lambda c: jnp.mean(regularizers.kl_divergence(*c.style)), weight)


TERMS = {
    "adversarial": adversarial,
    "l1": l1,
    "feature_matching": feature_matching,
    "perceptual": perceptual,
    "kl": kl,
}
KEYS = {
    "loss": Key("non_saturating", "the objective, of gan_jax.losses", choices=tuple(losses.__all__)),
    "terms": terms.keys(TERMS),
    "scales": Key(1, "resolutions that images are judged at, by a network each, every one half of that before", 1, 8),
    "networks": {
        "generator": networks.keys("Translator", name="unet"),
        "discriminator": networks.keys("Discriminator", name="patch"),
    },
}
DEFAULTS = {"terms": {"adversarial": {}, "l1": {}}}


class Context(NamedTuple):
    """What the terms of a turn see of one scale; a turn's loss is the mean over all scales.

    Attributes:
        loss: the objective.
        kimg: seen so far.
        target, fake: [B, H, W, C].
        on_real, on_fake: the discriminator's output, whose logits are those of all patches, [N].
        variables: of all players.
        frozen: the network of the perceptual term, whose variables are the player "perceptual".
        style: (mean, logarithm of the variance) of the target's latents, each [B, Z]; None without an encoder.
    """

    loss: losses.Loss
    kimg: jax.Array
    target: jax.Array
    fake: jax.Array
    on_real: DiscriminatorOutput
    on_fake: DiscriminatorOutput
    variables: dict
    frozen: Perceptual | None
    style: tuple[jax.Array, jax.Array] | None


def make_game(config, fields: Fields) -> Game:
    """Generator against discriminator, on pairs: the map "ab" makes images of inputs, with latents of noise; "styled"
    with those of a picture, the mean that the encoder gives (the authors draw them).

    Args:
        config: see `KEYS`; `data` says what images are made from.
        fields: with "image", the target, and "input".

    Raises:
        UserError: the config asks for what this game does not have.

    Reference: Isola et al. 2017, eqs. 1-4; D's loss is halved (section 3.3). Scales: Wang et al. 2018; each is made of
    means of 2x2 pixels, in the authors' code of 3x3.
    """
    loss, crops = lookup(losses, config.loss, "loss"), make_preprocess(config.data, fields)
    own_terms = terms.make_terms(config.terms, TERMS, players=("generator",), lazy=False)
    if not own_terms:
        raise UserError("--config.terms: the generator learns from nothing: set --config.terms.l1.weight=100")
    require_pairs(config)
    if crops.input_shape[:2] != crops.shape[:2]:
        raise UserError(f"--config.data.task={config.data.task}: this game keeps sizes: set --config.game=srgan")
    generator = networks.build(config, "Translator", shape=crops.shape)
    discriminator = networks.build(config, "Discriminator")
    frozen, watching = frozen_network(config, own_terms, crops.shape[-1])
    encodes = networks.encodes(generator)
    if not encodes and any(term.name == "kl" for term in own_terms):
        raise UserError("--config.terms.kl: no encoder gives latents: set --config.networks.generator.style=true")

    def translate(variables, batch, key, moves=False):
        """Fakes, the style of their targets, and the generator's collections that the calls changed."""
        own, noise = variables["generator"], {"key": key, "index": batch["index"]}
        if not encodes:
            fake, updates = applied(generator, own, batch["input"], moves=moves, **noise)
            return fake, None, updates
        style, updates = applied(generator, own, batch["image"], moves=moves, method="encode")
        mean, log_variance = style
        z = mean + jnp.exp(0.5 * log_variance) * per_example(jax.random.normal, key, batch["index"], mean.shape[1:])
        fake, moved = applied(generator, {**own, **updates}, batch["input"], z, method="make")
        return fake, style, {**updates, **moved}

    def contexts(variables, batch, fake, style, moves=False):
        """A context for each scale, and the discriminator's collections that the calls changed."""
        found, changed, kimg = [], [], seen_kimg(config, batch)
        real_pair, fake_pair = (beside(batch["input"], images) for images in (batch["image"], fake))
        for own in of_scales(variables["discriminator"], config.scales):
            on_real, updates = applied(discriminator, own, real_pair, moves=moves)
            on_fake, moved = applied(discriminator, {**own, **updates}, fake_pair)
            outputs = patches(on_real), patches(on_fake)
            found.append(Context(loss, kimg, batch["image"], fake, *outputs, variables, frozen, style))
            changed.append({**updates, **moved})
            real_pair, fake_pair = pool(real_pair), pool(fake_pair)
        return found, together(changed)

    def discriminator_loss(variables, batch, key):
        fake, style, _ = translate(variables, batch, key)
        found, updates = contexts(variables, batch, fake, style, moves=True)
        logits = [(c.on_real.logits, c.on_fake.logits) for c in found]
        value, metrics = mean([(jnp.mean(loss.discriminator(*each)), losses.accuracy(loss, *each)) for each in logits])
        return 0.5 * value, (updates, metrics)

    def generator_loss(variables, batch, key):
        fake, style, updates = translate(variables, batch, key, moves=True)
        found, _ = contexts(variables, batch, fake, style)
        value, (remembered, metrics) = mean([terms.total(own_terms, c) for c in found])
        return value, ({**updates, **remembered}, metrics)

    def init(key):
        keys = jax.random.split(key)
        inputs, images = jnp.zeros((1, *crops.input_shape)), jnp.zeros((1, *crops.shape))
        players = {"generator": dict(generator.init(keys[0], inputs))}
        own = [jax.random.fold_in(keys[1], number) if number else keys[1] for number in range(config.scales)]
        players["discriminator"] = together([dict(discriminator.init(each, beside(inputs, images))) for each in own])
        return players | watching

    def ab(variables, key, index, given):
        return generator.apply(variables["generator"], given["input"], train=False, key=key, index=index)

    def styled(variables, key, index, given):
        call = partial(generator.apply, variables["generator"], train=False)
        return call(given["input"], call(given["image"], method="encode")[0], method="make")

    turns = (
        Turn("discriminator", "discriminator", discriminator_loss),
        Turn("generator", "generator", generator_loss, draws_as="discriminator"),  # one fake for both
    )
    maps = {"ab": Map(("input",), "image", ab)}
    if encodes:
        maps["styled"] = Map(("input", "image"), "image", styled)
    return Game(init, turns, maps, preprocess=crops.apply)


def of_scales(variables: dict, scales: int) -> list[dict]:
    """The variables of each scale's discriminator, of those of all, see `together`."""
    each = lambda number: {name: own[str(number)] for name, own in variables.items()}
    return [variables] if scales == 1 else [each(number) for number in range(scales)]


def together(parts: list[dict]) -> dict:
    """{collection: {"0": ..., "1": ...}} of variables of several networks; those of a single one as they are."""
    first, *others = parts
    each = lambda name: {str(number): part[name] for number, part in enumerate(parts)}
    return {name: each(name) for name in first} if others else first


def mean(values: list) -> Any:
    """The mean of trees of numbers."""
    return jax.tree.map(lambda *numbers: sum(numbers) / len(numbers), *values)


def beside(inputs: jax.Array, images: jax.Array) -> jax.Array:
    """A pair as one image, the channels of both."""
    return jnp.concatenate([inputs, images], axis=-1)


def patches(output: DiscriminatorOutput) -> DiscriminatorOutput:
    """The logits of all patches of all images in a row, [N], as if each were an example."""
    return output._replace(logits=output.logits.ravel())


def seen_kimg(config, batch: dict) -> jax.Array:
    """Thousands of real images that the discriminator has seen before this round, one batch a round."""
    return batch["step"] * (config.batch_size / 1000)


def require_pairs(config) -> None:
    """Raises UserError if the data are two sets without pairs."""
    if not config.data.paired:
        raise UserError("--config.data.paired=false: this game learns from pairs; --config.game=cyclegan does without")
