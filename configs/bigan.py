"""BiGAN on digits: a generator and an encoder that a discriminator of pairs makes each other's inverse.

Paper: Donahue et al. 2017, whose networks for MNIST are such MLPs, wider and with batch normalization in the
discriminator too; 50 uniform latents.
"""

from gan_jax.configs._papers import train_for

from gan_jax.config import config_for


def get_config():
    config = config_for("bigan")
    config.batch_size = 32
    config.networks.update(latent_size=50, prior="uniform")
    for player in ("encoder", "generator", "discriminator"):
        config.networks[player].update(width=512, depth=2, norm="batch")
    config.networks.discriminator.norm = "none"
    train_for(config, 300.0, "linear", learning_rate=5e-4)
    config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 10.0, 20.0, 100.0
    return config
