"""A variational autoencoder, the twin of vae_gan without a discriminator.

Paper: Kingma and Welling 2014.
"""

from gan_jax.config import config_for
from gan_jax.configs import vae_gan


def get_config():
    config, twin = config_for("vae"), vae_gan.get_config()
    for key in set(config) & set(twin) - {"game", "terms", "networks"}:
        config[key] = twin[key]
    config.networks.update({name: twin.networks[name] for name in config.networks})
    return config
