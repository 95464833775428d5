"""A discriminator of pairs, (x, E(x)) or (G(z), z): BiGAN, the game of Donahue et al. 2017 and Dumoulin et al. 2017.

The encoder learns to find the latents of examples while the generator learns to make them: to fool the discriminator,
both must invert each other. The discriminator gets the latents where others get weights over classes.
"""

import jax
import jax.numpy as jnp

from gan_jax import losses, networks
from gan_jax.game import Game, Map, Turn
from gan_jax.keys import SIZES, Key
from gan_jax.latent.decoding import make_decoding
from gan_jax.latent.prior import make_prior
from gan_jax.lookup import lookup
from gan_jax.modalities import Fields, model_shape
from gan_jax.networks import applied
from gan_jax.noise import GENERATOR
from gan_jax.preprocess import of_images

KEYS = {
    "loss": Key("non_saturating", "the objective, of gan_jax.losses", choices=tuple(losses.__all__)),
    "networks": {
        "latent_size": Key(50, "Z", 1, SIZES),
        "prior": Key("normal", "of the latents: N(0, 1), or uniform in [-1, 1]", choices=("normal", "uniform")),
        "encoder": networks.keys("Encoder", name="mlp"),
        "generator": networks.keys("Generator", name="mlp"),
        "discriminator": networks.keys("Discriminator", name="mlp", conditioning="concat"),
    },
}


def make_game(config, fields: Fields) -> Game:
    """Generator and encoder against a discriminator of pairs: the map "sample" makes examples of noise, "reconstruct"
    an example anew.

    Args:
        config: see `KEYS`.
        fields: of the data, of which the first is learned; labels are not used.

    Raises:
        UserError: a name that does not exist.

    Reference: Donahue et al. 2017, eq. 2, and section 3.4: generator and encoder minimize the discriminator's loss with
    the labels swapped. Each sees one sort of pairs alone, so that they may as well move one after the other.
    """
    target, size, loss = next(iter(fields)), config.networks.latent_size, lookup(losses, config.loss, "loss")
    shape = model_shape(fields[target])
    encoder = networks.build(config, "Encoder", size=size)
    generator = networks.build(config, "Generator", shape=shape)
    discriminator = networks.build(config, "Discriminator", num_classes=size)
    latents = make_prior(size, config.networks.prior)

    def outputs(player, variables, batch, key):
        """The discriminator's output on both sorts of pairs, and the player's collections that the calls changed."""
        x, z, index = batch[target], latents(key, batch["index"]), batch["index"]
        noise = networks.noise_of(generator, jax.random.fold_in(key, GENERATOR), index)
        found, of_encoder = applied(encoder, variables["encoder"], x, moves=player == "encoder")
        made, of_generator = applied(generator, variables["generator"], z, moves=player == "generator", **noise)
        own = variables["discriminator"]
        on_real, updates = applied(discriminator, own, x, found, moves=player == "discriminator")
        on_fake, moved = applied(discriminator, {**own, **updates}, made, z)
        changed = {"encoder": of_encoder, "generator": of_generator, "discriminator": {**updates, **moved}}
        return on_real.logits, on_fake.logits, changed[player]

    def discriminator_loss(variables, batch, key):
        real, fake, updates = outputs("discriminator", variables, batch, key)
        return jnp.mean(loss.discriminator(real, fake)), (updates, losses.accuracy(loss, real, fake))

    def swapped_loss(player):
        def player_loss(variables, batch, key):
            real, fake, updates = outputs(player, variables, batch, key)
            return jnp.mean(loss.discriminator(fake, real)), (updates, {})

        return player_loss

    def init(key):
        keys, x, z = jax.random.split(key, 3), jnp.zeros((2, *shape)), jnp.zeros((2, size))
        return {
            "discriminator": dict(discriminator.init(keys[0], x, z)),
            "generator": dict(generator.init(keys[1], z)),
            "encoder": dict(encoder.init(keys[2], x)),
        }

    def encode(variables, examples):
        return encoder.apply(variables["encoder"], examples, train=False)

    decoding = make_decoding(generator, latents, size, encode=encode)

    turns = (
        Turn("discriminator", "discriminator", discriminator_loss),
        Turn("generator", "generator", swapped_loss("generator"), draws_as="discriminator"),
        Turn("encoder", "encoder", swapped_loss("encoder"), draws_as="discriminator"),
    )
    return Game(
        init,
        turns,
        {"sample": Map((), target, decoding.sample), "reconstruct": Map((target,), target, decoding.reconstruct)},
        averaged=("generator", "encoder"),
        spaces=decoding.spaces,
        calibrate=decoding.calibrate,
        preprocess=of_images(config.data, fields),
    )
