"""An autoencoder whose results a discriminator judges: VAE/GAN, the game of Larsen et al. 2016.

An encoder finds the latents of an example, a generator makes it anew, and a discriminator tells what is made anew, and
what is made of noise, from real examples. How near an example and its reconstruction are is measured by what the
discriminator computes of both. Who learns from what is the paper's algorithm 1: the encoder from the divergence of
latents and from the reconstruction, not from the discriminator's logits; the generator from the reconstruction and the
logits; the discriminator from the logits alone.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import losses, networks, regularizers, terms
from gan_jax.errors import UserError
from gan_jax.game import Game, Map, Turn
from gan_jax.games.pix2pix import seen_kimg
from gan_jax.keys import SIZES, Key, Weight
from gan_jax.latent.decoding import make_decoding
from gan_jax.latent.prior import make_prior
from gan_jax.lookup import lookup
from gan_jax.modalities import Fields, model_shape
from gan_jax.networks import applied
from gan_jax.networks.discriminator_output import DiscriminatorOutput
from gan_jax.noise import GENERATOR
from gan_jax.preprocess import of_images
from gan_jax.terms import Term, adversarial
from gan_jax.terms.adversarial import OBJECTIVE


def kl(weight: Weight = 1.0) -> Term:
    """The Kullback-Leibler divergence of an example's latents from those of noise.

    Args:
        weight: of the sum over latents.

    Reference: Larsen et al. 2016, eq. 4.
    """
    return Term("kl", "encoder", lambda c: jnp.mean(regularizers.kl_divergence(c.mean, c.log_variance)), weight)


def pixels(weight: Weight = 1.0, generator_weight: Weight = 1.0) -> tuple[Term, Term]:
    """The negative log-likelihood of an example, a Gaussian of deviation 1 around its reconstruction in [-1, 1].

    Args:
        weight: of the encoder's term, of the sum over pixels.
        generator_weight: of the generator's.

    Reference: Larsen et al. 2016, eq. 3.
    """
    loss = lambda c: jnp.mean(regularizers.gaussian_error(c.real, c.fake))
    return Term("pixels", "encoder", loss, weight), Term("pixels", "generator", loss, generator_weight)


def features(weight: Weight = 1.0, generator_weight: Weight = 1e-3) -> tuple[Term, Term]:
    """The same of what the discriminator computes of both, its last features before the logit.

    Args:
        weight: of the encoder's term, of the sum over features.
        generator_weight: of the generator's, the paper's gamma.

    Reference: Larsen et al. 2016, eqs. 7-8 and algorithm 1.
    """

    def loss(c):
        n = len(c.real)
        return jnp.mean(regularizers.gaussian_error(c.on_real.features[:n], c.on_fake.features[:n]))

    return Term("features", "encoder", loss, weight), Term("features", "generator", loss, generator_weight)


TERMS = {"adversarial": adversarial, "kl": kl, "pixels": pixels, "features": features}
PLAYERS = ("discriminator", "generator", "encoder")  # in the order of play
KEYS = {
    "loss": Key("non_saturating", "the objective, of gan_jax.losses", choices=tuple(losses.__all__)),
    "terms": terms.keys(TERMS),
    "networks": {
        "latent_size": Key(128, "Z", 1, SIZES),
        "encoder": networks.keys("Encoder", name="dcgan"),
        "generator": networks.keys("Generator", name="dcgan"),
        "discriminator": networks.keys("Discriminator", name="dcgan"),
    },
}
DEFAULTS = {"terms": {"adversarial": {}, "kl": {}, "features": {}}}


class Context(NamedTuple):
    """What the terms of a turn see.

    Attributes:
        kimg: seen so far.
        loss: the objective.
        real, fake: examples and their reconstructions, [B, ...].
        mean, log_variance: of the examples' latents, [B, Z].
        on_real: the discriminator's output on the real examples, twice, [2 B]; None without a discriminator.
        on_fake: that on their reconstructions, and on examples made of noise.
    """

    kimg: jax.Array
    loss: losses.Loss
    real: jax.Array
    fake: jax.Array
    mean: jax.Array
    log_variance: jax.Array
    on_real: DiscriminatorOutput | None = None
    on_fake: DiscriminatorOutput | None = None


def make_game(config, fields: Fields) -> Game:
    """Encoder, generator and discriminator: the map "sample" makes examples of noise, "reconstruct" an example anew, of
    the mean of its latents.

    Args:
        config: see `KEYS`.
        fields: of the data, of which the first is learned; labels are not used.

    Raises:
        UserError: a name that does not exist, or things that do not go together.

    Reference: Larsen et al. 2016, algorithm 1. What differs: players move one after the other in a round; the features
    are the last ones, those of the authors' code the fourth of four convolutions; nobody sits out a turn because the
    other one is behind, as in the authors' code; logits of reconstructions and of noise weigh half each, as there.
    """
    target, size, shape = next(iter(fields)), config.networks.latent_size, model_shape(next(iter(fields.values())))
    judged = "discriminator" in config.networks  # the game vae has none
    players = PLAYERS if judged else PLAYERS[1:]
    loss = lookup(losses, config.loss, "loss") if judged else None
    own_terms = terms.make_terms(config.terms, TERMS, players, lazy=False)
    of_player = {player: [term for term in own_terms if term.player == player] for player in players}
    for player in ("encoder", "generator"):
        if not any(term.name != "kl" for term in of_player[player]):
            raise UserError(f"--config.terms: the {player} learns of no example: set --config.terms.pixels.weight=1")
    encoder = networks.build(config, "Encoder", size=2 * size)
    generator = networks.build(config, "Generator", shape=shape)
    discriminator = networks.build(config, "Discriminator") if judged else None
    latents = make_prior(size, "normal")

    def context(player, variables, batch, key):
        """The context of a player's turn, and the player's collections that the calls changed."""
        changed, keys = {}, jax.random.split(key)

        def call(name, network, *args, **noise):
            own, moves = {**variables[name], **changed.get(name, {})}, name == player and name not in changed
            result, updates = applied(network, own, *args, moves=moves, **noise)
            changed[name] = {**changed.get(name, {}), **updates}
            return result

        def generate(z, number):
            own_key = jax.random.fold_in(keys[number], GENERATOR)
            return call("generator", generator, z, **networks.noise_of(generator, own_key, batch["index"]))

        real = batch[target]
        mean, log_variance = jnp.split(call("encoder", encoder, real), 2, axis=-1)
        fake = generate(mean + jnp.exp(0.5 * log_variance) * latents(keys[0], batch["index"]), 0)
        c = Context(seen_kimg(config, batch), loss, real, fake, mean, log_variance)
        if judged:
            judge = lambda examples: call("discriminator", discriminator, examples)
            on_real, on_fake = judge(real), both(judge(fake), judge(generate(latents(keys[1], batch["index"]), 1)))
            c = c._replace(on_real=both(on_real, on_real), on_fake=on_fake)
        return c, changed.get(player, {})

    def loss_of(player):
        def player_loss(variables, batch, key):
            c, updates = context(player, variables, batch, key)
            own = [OBJECTIVE, *of_player[player]] if player == "discriminator" else of_player[player]
            value, (remembered, metrics) = terms.total(own, c)
            if player == "discriminator":
                metrics |= losses.accuracy(loss, c.on_real.logits, c.on_fake.logits)
            return value, ({**updates, **remembered}, metrics)

        return player_loss

    def init(key):
        keys, z, examples = jax.random.split(key, 3), jnp.zeros((2, size)), jnp.zeros((2, *shape))
        own = {"generator": (generator, z), "encoder": (encoder, examples), "discriminator": (discriminator, examples)}
        return {player: dict(own[player][0].init(keys[i], own[player][1])) for i, player in enumerate(players)}

    def encode(variables, examples):
        return encoder.apply(variables["encoder"], examples, train=False)[:, :size]

    def logits(variables, examples):
        return discriminator.apply(variables["discriminator"], examples, train=False).logits

    decoding = make_decoding(generator, latents, size, encode=encode)
    return Game(
        init,
        tuple(Turn(player, player, loss_of(player), draws_as=players[0]) for player in players),
        {"sample": Map((), target, decoding.sample), "reconstruct": Map((target,), target, decoding.reconstruct)},
        averaged=("generator", "encoder"),
        spaces=decoding.spaces,
        calibrate=decoding.calibrate,
        discriminate=logits if judged else None,
        preprocess=of_images(config.data, fields),
    )


def both(a: DiscriminatorOutput, b: DiscriminatorOutput) -> DiscriminatorOutput:
    """The outputs on two batches as on one."""
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), a, b)
