"""InfoGAN: a ten-fold code and two numbers among the latents come to mean the digit, its slant and its width.

Paper: Chen et al. 2016, section 7.2, with 62 further latents, uniform, and DCGAN networks. What differs: R1 (Mescheder
et al. 2018) in place of batch normalization in the discriminator, whose codes are read linearly (there by a layer of
128), a learning rate of 2e-3 (there 2e-4, and 1e-3 for the generator) that falls to 0, and a batch of 32 (there 128).

    python main.py --config=infogan

Result: on digits, 100 kimg (3,125 rounds), seeds 0-2, one core of an AMD EPYC, 1:50 when idle: FID 14.1 +- 0.3, best
and last, precision 0.447, recall 0.447, confidence 0.895 (`--mode=evaluate --num=10000`: averaged generator, classifier
features). Given a category, its commonest digit is 48 % of the samples, on average over the ten and the seeds: codes of
slant and of parts of digits, not yet of whole ones.
"""

from gan_jax.configs._papers import dcgan, on, train_for


def get_config():
    config = on("digits")
    config.networks.latent_size = 62 + 10 + 2
    config.networks.prior = "uniform"
    config.codes = {"categories": 10, "continuous": 2}
    config.terms.codes = {}
    dcgan(config, critic_norm="none")
    config.terms.r1 = {"weight": 0.2, "every": 8}
    train_for(config, 100.0, "linear", learning_rate=2e-3)
    return config
