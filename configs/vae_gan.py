"""VAE/GAN on digits: an autoencoder that measures its reconstructions by what a discriminator sees in them.

Paper: Larsen et al. 2016, with the networks of DCGAN at half their width, 32 latents, gamma 0.1, Adam with a rate that
falls; there faces of 64 pixels, 128 latents, gamma 1e-6 (the authors' code), RMSprop.

    python main.py --config=vae_gan

Result: 200 kimg (6,250 rounds), seeds 0-2, 6:06 on one core of an Intel Xeon: FID (digits) 12.3 +- 1.1, precision 0.548
+- 0.010, recall 0.847 +- 0.020, sharpness 1.03 +- 0.03; its twin without a discriminator, vae, has 24.6 +- 0.6, 0.772
+- 0.003, 0.482 +- 0.015 and 0.50. Reconstructions of 1,000 other digits: 19.1 dB, 96.8 % of the same class; of vae 21.1
dB, 97.4 %. What led there, 60 kimg, one run each: gamma 1e-3 20.2, 0.01 20.4, 0.1 17.8; at 0.01 with batch
normalization in the discriminator 25.2; vae 30.6.
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
