"""VAE/GAN: an autoencoder that measures its reconstructions by what a discriminator sees in them.

Paper: Larsen et al. 2016.
"""

from gan_jax.configs._papers import train_for

from gan_jax.config import config_for


def get_config():
    config = config_for("vae_gan")
    config.batch_size = 32
    config.networks.latent_size = 32
    for player in ("encoder", "generator", "discriminator"):
        config.networks[player].update(width=32, norm="none")
    config.networks.generator.norm = "batch"
    config.terms.features.generator_weight = 0.1
    train_for(config, 200.0, "linear", learning_rate=1e-3, b1=0.5)
    config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 4.0, 10.0, 40.0
    return config
