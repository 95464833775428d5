"""A variational autoencoder on digits, the twin of vae_gan without a discriminator.

Paper: Kingma and Welling 2014, with the networks and settings of vae_gan.

    python main.py --config=vae

Result: 200 kimg (6,250 rounds), seeds 0-2, 2:32 on one core of an Intel Xeon: FID (digits) 24.6 +- 0.6, precision 0.772
+- 0.003, recall 0.482 +- 0.015, sharpness 0.50; see vae_gan.
"""

from gan_jax.config import config_for
from gan_jax.configs import vae_gan


def get_config():
    config, twin = config_for("vae"), vae_gan.get_config()
    for key in set(config) & set(twin) - {"game", "terms", "networks"}:
        config[key] = twin[key]
    config.networks.update({name: twin.networks[name] for name in config.networks})
    return config
