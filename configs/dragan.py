"""DRAGAN: a gradient penalty around real images only.

Paper: Kodali et al. 2017: lambda 10, and of the authors' code, which is for MNIST, batch 128 and Adam 1e-4 (0.5, 0.9);
with DCGAN networks without normalization in the discriminator. No figure for CIFAR-10 is of this game: the WGAN-DRA of
Kang et al. 2023 (StudioGAN) has Wasserstein's objective, a ResNet and five turns of the discriminator.

    python main.py --config=dragan
    python main.py --config=dragan:digits

Result: on digits, 100 kimg (3,125 rounds), seeds 0-2, one core of an AMD EPYC, 1:58 when idle: FID 13.4 +- 0.6, best
and last, precision 0.478, recall 0.693, confidence 0.894 (`--mode=evaluate --num=10000`: averaged generator, classifier
features). CIFAR-10 not yet measured: it needs a GPU or TPU.
"""

from gan_jax.configs._papers import dcgan, on, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.terms.dragan = {"weight": 10.0}
    dcgan(config, critic_norm="none")
    config.batch_size, config.networks.latent_size = 128, 100
    train_for(config, 6_000.0, "constant", learning_rate=1e-4, b2=0.9)
    if data == "digits":
        config.batch_size, config.networks.latent_size = 32, 32
        train_for(config, 100.0, "linear", learning_rate=2e-3)
    return config
