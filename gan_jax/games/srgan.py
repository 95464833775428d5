"""Small images made large: the game of Ledig et al. 2017.

First the generator learns to be near the target, pixel by pixel: the best PSNR, and a blur. Then it shall also look
like the target to a frozen network, and real to the discriminator. The frozen network is a player without a turn.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import losses, networks, terms
from gan_jax.errors import UserError
from gan_jax.game import Game, Map, Turn
from gan_jax.games.pix2pix import patches, require_pairs, seen_kimg
from gan_jax.keys import Key, Weight
from gan_jax.lookup import lookup
from gan_jax.modalities import Fields
from gan_jax.networks import applied
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.perceptual import Perceptual
from gan_jax.preprocess import make_preprocess
from gan_jax.terms import Term, adversarial
from gan_jax.terms.perceptual import frozen_network, perceptual


def pixel(weight: Weight = 1.0) -> Term:
    """The mean squared difference of what is made and the target (Ledig et al. 2017, eq. 4).

    Args:
        weight: of the term.
    """
    return Term("pixel", "generator", lambda c: jnp.mean((c.fake - c.target) ** 2), weight)


TERMS = {"pixel": pixel, "perceptual": perceptual, "adversarial": adversarial}
KEYS = {
    "loss": Key("non_saturating", "the objective, of gan_jax.losses", choices=tuple(losses.__all__)),
    "terms": terms.keys(TERMS),
    "warmup_kimg": Key(0.0, "in which the generator learns from the term pixel alone, the discriminator as always", 0),
    "networks": {
        "generator": networks.keys("Translator", name="srresnet"),
        "discriminator": networks.keys("Discriminator", name="srresnet"),
    },
}
DEFAULTS = {"terms": {"pixel": {}, "perceptual": {}, "adversarial": {"weight": 1e-3}}}


class Context(NamedTuple):
    """What the terms of a turn see.

    Attributes:
        loss: the objective.
        kimg: seen so far.
        target, fake: [B, H, W, C].
        on_real, on_fake: the discriminator's output; None without one.
        variables: of all players.
        frozen: the network of the perceptual term, whose variables are the player "perceptual".
    """

    loss: losses.Loss
    kimg: jax.Array
    target: jax.Array
    fake: jax.Array
    on_real: DiscriminatorOutput | None
    on_fake: DiscriminatorOutput | None
    variables: dict
    frozen: Perceptual | None


def make_game(config, fields: Fields) -> Game:
    """Generator against discriminator, on pairs: the map "ab" makes images of inputs.

    Args:
        config: see `KEYS`. Without the term "adversarial" there is no discriminator.
        fields: with "image", the target, and "input".

    Raises:
        UserError: the config asks for what this game does not have.

    Reference: Ledig et al. 2017, eqs. 2-6, section 3.2.
    """
    loss, crops = lookup(losses, config.loss, "loss"), make_preprocess(config.data, fields)
    require_pairs(config)
    own_terms = terms.make_terms(config.terms, TERMS, players=("generator",), lazy=False)
    names = {term.name for term in own_terms}
    factor = crops.shape[0] // crops.input_shape[0]
    generator = networks.build(config, "Translator", shape=crops.shape, factor=factor)
    discriminator = networks.build(config, "Discriminator")
    frozen, watching = frozen_network(config, own_terms, crops.shape[-1])

    def context(variables, batch, fake, moves=False):
        """A context, and the discriminator's collections that the calls changed."""
        outputs, updates = (None, None), {}
        if "adversarial" in names:
            own = variables["discriminator"]
            on_real, updates = applied(discriminator, own, batch["image"], moves=moves)
            on_fake, moved = applied(discriminator, {**own, **updates}, fake)
            outputs, updates = (patches(on_real), patches(on_fake)), {**updates, **moved}
        return Context(loss, seen_kimg(config, batch), batch["image"], fake, *outputs, variables, frozen), updates

    def discriminator_loss(variables, batch, key):
        fake, _ = applied(generator, variables["generator"], batch["input"])
        c, updates = context(variables, batch, fake, moves=True)
        logits = c.on_real.logits, c.on_fake.logits
        return jnp.mean(loss.discriminator(*logits)), (updates, losses.accuracy(loss, *logits))

    def generator_loss(variables, batch, key, *, learned):
        fake, updates = applied(generator, variables["generator"], batch["input"], moves=True)
        c, _ = context(variables, batch, fake)
        value, (remembered, metrics) = terms.total(learned, c)
        return value, ({**updates, **remembered}, metrics)

    def init(key):
        keys = jax.random.split(key)
        inputs, images = jnp.zeros((1, *crops.input_shape)), jnp.zeros((1, *crops.shape))
        players = {"generator": dict(generator.init(keys[0], inputs))}
        if "adversarial" in names:
            players["discriminator"] = dict(discriminator.init(keys[1], images))
        return players | watching

    def ab(variables, key, index, given):
        return generator.apply(variables["generator"], given["input"], train=False)

    warmup = math.ceil(round(config.warmup_kimg * 1000 / config.batch_size, 6))  # rounds
    by_pixels = [term for term in own_terms if term.name == "pixel"]
    if not own_terms or (warmup and not by_pixels):
        raise UserError("--config.terms: the generator learns from nothing: set --config.terms.pixel.weight=1")
    turns = [Turn("generator", "generator", partial(generator_loss, learned=own_terms), first=warmup)]
    if "adversarial" in names:
        turns.insert(0, Turn("discriminator", "discriminator", discriminator_loss))
    if warmup:
        turns.append(Turn("warmup", "generator", partial(generator_loss, learned=by_pixels), last=warmup))
    return Game(init, tuple(turns), {"ab": Map(("input",), "image", ab)}, preprocess=crops.apply)
