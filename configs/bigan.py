"""BiGAN on digits: a generator and an encoder that a discriminator of pairs makes each other's inverse.

Paper: Donahue et al. 2017, whose networks for MNIST are MLPs too, of 1,024 units, with batch normalization in the
discriminator as well, batch 128, rate 2e-4; 50 uniform latents, as here.

    python main.py --config=bigan

Result: 300 kimg (9,375 rounds), seed 0, 9:11 on one core of an Intel Xeon beside other work: FID (digits) 27.3 at the
end, 25.9 at its best round, precision 0.799, recall 0.432. Samples have specks. Reconstructions of 1,000 other digits:
11.8 dB, 47.5 % of the same class. With the paper's width, normalization, batch and rate the border of the picture stays
noise: FID 98 after 150 of 400 kimg.
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
