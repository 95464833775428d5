"""Small images made large: the game of Ledig et al. 2017.

First the generator learns to be near the target, pixel by pixel: the best PSNR, and a blur. Then it shall also look
like the target to a frozen network, and real to the discriminator. The frozen network is a player without a turn.
"""

import jax
import jax.numpy as jnp

from gan_jax import losses, networks
from gan_jax.config import named, refuse_other_keys, refuse_unheeded
from gan_jax.errors import UserError
from gan_jax.game import Game, Turn
from gan_jax.games.pix2pix import HEEDED
from gan_jax.networks import applied
from gan_jax.perceptual import open_perceptual, perceptual_distance
from gan_jax.views import make_view


def make_game(config, image_shape: tuple[int, ...], num_classes: int) -> Game:
    """Generator against discriminator, on pairs; `Game.sample` takes the input images as its condition.

    Args:
        config: `loss`, networks (a "Translator" for the generator), `data`, and `srgan`: the weights `pixel` (mean
            squared difference), `perceptual` and `adversarial`; `features`, of which the perceptual term is the
            difference, see `gan_jax.perceptual.open_perceptual`; `warmup_kimg`, in which only `pixel` counts (the
            discriminator learns meanwhile). With `adversarial` 0 there is no discriminator.
        image_shape: (H, W, C) of the targets.
        num_classes: of labels, which this game has no use for: 0.

    Raises:
        UserError: the config asks for what this game does not have.

    Reference: Ledig et al. 2017, eqs. 2-6, section 3.2.
    """
    refuse_unheeded(config, HEEDED)
    refuse_other_keys(config, "srgan", ["pixel", "adversarial", "perceptual", "features", "warmup_kimg"])
    loss, own, view = named(losses, config.loss, "loss"), config.srgan, make_view(config.data, image_shape)
    if not config.data.paired:
        raise UserError("config.data.paired=False: this game learns from pairs; config.game=cyclegan does without")
    factor = view.shape[0] // view.input_shape[0]
    generator = networks.build(config, "Translator", shape=view.shape, factor=factor)
    discriminator = networks.build(config, "Discriminator")
    perceptual = open_perceptual(own.features, view.shape[-1]) if own.perceptual else None

    def judge(variables, batch, fake):
        """The logits [N] of real and of made images, and the collections that the calls changed."""
        player = variables["discriminator"]
        on_real, updates = applied(discriminator, player, batch["image"])
        on_fake, moved = applied(discriminator, {**player, **updates}, fake)
        return on_real.logits.ravel(), on_fake.logits.ravel(), {**updates, **moved}

    def discriminator_loss(variables, batch, key):
        fake, _ = applied(generator, variables["generator"], batch["input"])
        on_real, on_fake, updates = judge(variables, batch, fake)
        boundary = loss.boundary(on_real, on_fake)
        metrics = {"real_right": jnp.mean(on_real > boundary), "fake_right": jnp.mean(on_fake < boundary)}
        return jnp.mean(loss.discriminator(on_real, on_fake)), (updates, metrics)

    def generator_loss(variables, batch, key):
        warm = batch["step"] * (config.batch_size / 1000) >= own.warmup_kimg
        fake, updates = applied(generator, variables["generator"], batch["input"])
        terms = {"pixel": own.pixel * jnp.mean((fake - batch["image"]) ** 2)}
        if perceptual:
            seen, wanted = (perceptual.maps(variables["perceptual"], images) for images in (fake, batch["image"]))
            terms["perceptual"] = own.perceptual * warm * jnp.mean(perceptual_distance(seen, wanted))
        if own.adversarial:
            on_real, on_fake, _ = judge(variables, batch, fake)
            terms["adversarial"] = own.adversarial * warm * jnp.mean(loss.generator(on_real, on_fake))
        return sum(terms.values()), (updates, terms)

    def init(key):
        keys = jax.random.split(key)
        inputs, images = jnp.zeros((1, *view.input_shape)), jnp.zeros((1, *view.shape))
        players = {"generator": dict(generator.init(keys[0], inputs))}
        if own.adversarial:
            players["discriminator"] = dict(discriminator.init(keys[1], images))
        if perceptual:
            players["perceptual"] = jax.tree.map(jnp.asarray, perceptual.params)
        return players

    def sample(variables, key, index, condition):
        return generator.apply(variables["generator"], condition, train=False)

    turns = [Turn("generator", "generator", generator_loss)]
    if own.adversarial:
        turns.insert(0, Turn("discriminator", "discriminator", discriminator_loss))
    return Game(init, tuple(turns), sample, view=view.train)
