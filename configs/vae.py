"""A variational autoencoder, the plain twin of vae_gan."""

from gan_jax.config import config_for
from gan_jax.configs import vae_gan


def get_config(data="digits"):
    config = config_for("vae")
    twin = vae_gan.get_config(data)
    for key in set(config) & set(twin) - {"game", "terms", "networks"}:
        config[key] = twin[key]
    config.networks.update({name: twin.networks[name] for name in config.networks})
    return config
