"""An image made from another one: the game of Isola et al. 2017 on pairs of input and target.

The generator makes the target from the input; the discriminator sees the input beside the target or beside what was
made, and judges patches of the two. The generator's noise is its dropout, which stays on when it is used.
"""

import jax
import jax.numpy as jnp

from gan_jax import losses, networks
from gan_jax.config import named, refuse_other_keys, refuse_unheeded
from gan_jax.errors import UserError
from gan_jax.game import Game, Turn
from gan_jax.networks import applied
from gan_jax.views import make_view

# What a config may say of games that translate; each other key must be as `base_config` has it.
HEEDED = (
    "seed", "batch_size", "game", "loss", "networks", "optimizers", "ema", "data", "evaluation", "keep_checkpoints",
)  # fmt: skip


def make_game(config, image_shape: tuple[int, ...], num_classes: int) -> Game:
    """Generator against discriminator, on pairs; `Game.sample` takes the input images as its condition.

    Args:
        config: `loss`, `generator_loss.adversarial`, networks (a "Translator" for the generator), `data` (what images
            are made from), and `pix2pix.l1`, the paper's lambda: the weight of the mean absolute difference.
        image_shape: (H, W, C) of the targets.
        num_classes: of labels, which this game has no use for: 0.

    Raises:
        UserError: the config asks for what this game does not have.

    Reference: Isola et al. 2017, eqs. 1-4; D's loss is halved (section 3.3).
    """
    refuse_unheeded(config, (*HEEDED, "generator_loss.adversarial"))
    refuse_other_keys(config, "pix2pix", ["l1"])
    loss, view = named(losses, config.loss, "loss"), make_view(config.data, image_shape)
    if not config.data.paired:
        raise UserError("config.data.paired=False: this game learns from pairs; config.game=cyclegan does without")
    if view.input_shape[:2] != view.shape[:2]:
        raise UserError(f"config.data.task={config.data.task}: this game keeps sizes: set config.game=srgan")
    generator = networks.build(config, "Translator", shape=view.shape)
    discriminator = networks.build(config, "Discriminator")

    def translate(variables, batch, key):
        return applied(generator, variables["generator"], batch["input"], key=key, index=batch["index"])

    def judge_pairs(own, batch, fake):
        """The logits of patches [N] of real and of made pairs, and the collections that the calls changed."""
        on_real, updates = applied(discriminator, own, beside(batch["input"], batch["image"]))
        on_fake, moved = applied(discriminator, {**own, **updates}, beside(batch["input"], fake))
        return on_real.logits.ravel(), on_fake.logits.ravel(), {**updates, **moved}

    def discriminator_loss(variables, batch, key):
        fake, _ = translate(variables, batch, key)
        on_real, on_fake, updates = judge_pairs(variables["discriminator"], batch, fake)
        boundary = loss.boundary(on_real, on_fake)
        metrics = {"real_right": jnp.mean(on_real > boundary), "fake_right": jnp.mean(on_fake < boundary)}
        return 0.5 * jnp.mean(loss.discriminator(on_real, on_fake)), (updates, metrics)

    def generator_loss(variables, batch, key):
        fake, updates = translate(variables, batch, key)
        on_real, on_fake, _ = judge_pairs(variables["discriminator"], batch, fake)
        adversarial = config.generator_loss.adversarial * jnp.mean(loss.generator(on_real, on_fake))
        l1 = jnp.mean(jnp.abs(batch["image"] - fake))
        return adversarial + config.pix2pix.l1 * l1, (updates, {"adversarial": adversarial, "l1": l1})

    def init(key):
        keys = jax.random.split(key)
        inputs, images = jnp.zeros((1, *view.input_shape)), jnp.zeros((1, *view.shape))
        return {
            "generator": dict(generator.init(keys[0], inputs)),
            "discriminator": dict(discriminator.init(keys[1], beside(inputs, images))),
        }

    def sample(variables, key, index, condition):
        return generator.apply(variables["generator"], condition, train=False, key=key, index=index)

    turns = (
        Turn("discriminator", "discriminator", discriminator_loss),
        Turn("generator", "generator", generator_loss, draws_as="discriminator"),  # one fake for both
    )
    return Game(init, turns, sample, view=view.train)


def beside(inputs: jax.Array, images: jax.Array) -> jax.Array:
    """A pair as one image, the channels of both."""
    return jnp.concatenate([inputs, images], axis=-1)
