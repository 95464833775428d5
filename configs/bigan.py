"""BiGAN on digits: a generator and an encoder that a discriminator of pairs makes each other's inverse.

Paper: Donahue et al. 2017.
"""

from gan_jax.configs._papers import train_for

from gan_jax.config import config_for


def get_config():
    config = config_for("bigan")
    config.batch_size = 128
    config.networks.update(latent_size=50, prior="uniform")
    for player in ("encoder", "generator", "discriminator"):
        config.networks[player].update(width=1024, depth=2, norm="batch")
    train_for(config, 400.0, "linear", learning_rate=2e-4)
    config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 10.0, 20.0, 100.0
    return config
