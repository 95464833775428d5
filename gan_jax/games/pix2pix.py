"""An image made from another one: the game of Isola et al. 2017 on pairs of input and target.

The generator makes the target from the input; the discriminator sees the input beside the target or beside what was
made, and scores patches of the two. The generator's noise is its dropout, which stays on when it is used.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import losses, networks, terms
from gan_jax.errors import UserError
from gan_jax.game import Game, Map, Turn
from gan_jax.keys import Key, Weight
from gan_jax.lookup import lookup
from gan_jax.modalities import Fields
from gan_jax.networks import applied
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.preprocess import make_preprocess
from gan_jax.terms import Term, adversarial


def l1(weight: Weight = 100.0) -> Term:
    """The mean absolute difference of what is made and the target.

    Args:
        weight: the paper's lambda.

    Reference: Isola et al. 2017, eq. 3.
    """
    return Term("l1", "generator", lambda c: jnp.mean(jnp.abs(c.target - c.fake)), weight)


TERMS = {"adversarial": adversarial, "l1": l1}
KEYS = {
    "loss": Key("non_saturating", "the objective, of gan_jax.losses", choices=tuple(losses.__all__)),
    "terms": terms.keys(TERMS),
    "networks": {
        "generator": networks.keys("Translator", name="unet"),
        "discriminator": networks.keys("Discriminator", name="patch"),
    },
}
DEFAULTS = {"terms": {"adversarial": {}, "l1": {}}}


class Context(NamedTuple):
    """What the terms of a turn see.

    Attributes:
        loss: the objective.
        kimg: seen so far.
        target, fake: [B, H, W, C].
        on_real, on_fake: the discriminator's output, whose logits are those of all patches, [N].
    """

    loss: losses.Loss
    kimg: jax.Array
    target: jax.Array
    fake: jax.Array
    on_real: DiscriminatorOutput
    on_fake: DiscriminatorOutput


def make_game(config, fields: Fields) -> Game:
    """Generator against discriminator, on pairs: the map "ab" makes images of inputs.

    Args:
        config: see `KEYS`; `data` says what images are made from.
        fields: with "image", the target, and "input".

    Raises:
        UserError: the config asks for what this game does not have.

    Reference: Isola et al. 2017, eqs. 1-4; D's loss is halved (section 3.3).
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

    def translate(variables, batch, key, moves=False):
        noise = {"key": key, "index": batch["index"]}
        return applied(generator, variables["generator"], batch["input"], moves=moves, **noise)

    def context(batch, fake, own, moves=False):
        """A context, and the discriminator's collections that the calls changed."""
        on_real, updates = applied(discriminator, own, beside(batch["input"], batch["image"]), moves=moves)
        on_fake, moved = applied(discriminator, {**own, **updates}, beside(batch["input"], fake))
        c = Context(loss, seen_kimg(config, batch), batch["image"], fake, patches(on_real), patches(on_fake))
        return c, {**updates, **moved}

    def discriminator_loss(variables, batch, key):
        fake, _ = translate(variables, batch, key)
        c, updates = context(batch, fake, variables["discriminator"], moves=True)
        logits = c.on_real.logits, c.on_fake.logits
        return 0.5 * jnp.mean(loss.discriminator(*logits)), (updates, losses.accuracy(loss, *logits))

    def generator_loss(variables, batch, key):
        fake, updates = translate(variables, batch, key, moves=True)
        c, _ = context(batch, fake, variables["discriminator"])
        value, (remembered, metrics) = terms.total(own_terms, c)
        return value, ({**updates, **remembered}, metrics)

    def init(key):
        keys = jax.random.split(key)
        inputs, images = jnp.zeros((1, *crops.input_shape)), jnp.zeros((1, *crops.shape))
        return {
            "generator": dict(generator.init(keys[0], inputs)),
            "discriminator": dict(discriminator.init(keys[1], beside(inputs, images))),
        }

    def ab(variables, key, index, given):
        return generator.apply(variables["generator"], given["input"], train=False, key=key, index=index)

    turns = (
        Turn("discriminator", "discriminator", discriminator_loss),
        Turn("generator", "generator", generator_loss, draws_as="discriminator"),  # one fake for both
    )
    return Game(init, turns, {"ab": Map(("input",), "image", ab)}, preprocess=crops.apply)


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
