"""A variational autoencoder, the game of Kingma and Welling 2014: VAE/GAN without a discriminator.

Encoder and generator have one loss, the negative of the lower bound on the likelihood of an example, and take turns.
"""

from gan_jax import networks, terms
from gan_jax.game import Game
from gan_jax.games import vae_gan
from gan_jax.keys import SIZES, Key
from gan_jax.modalities import Fields

TERMS = {"kl": vae_gan.kl, "pixels": vae_gan.pixels}
KEYS = {
    "terms": terms.keys(TERMS),
    "networks": {
        "latent_size": Key(128, "Z", 1, SIZES),
        "encoder": networks.keys("Encoder", name="dcgan"),
        "generator": networks.keys("Generator", name="dcgan"),
    },
}
DEFAULTS = {"terms": {"kl": {}, "pixels": {}}}


def make_game(config, fields: Fields) -> Game:
    """See `vae_gan.make_game`."""
    return vae_gan.make_game(config, fields)
