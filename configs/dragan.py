"""DRAGAN: a gradient penalty around real images only.

Paper: Kodali et al. 2017: lambda 10, DCGAN networks without normalization in the discriminator, Adam 2e-4 (0.5, 0.999).
FID 34.7 on CIFAR-10 in Kang et al. 2023 (StudioGAN), at its best checkpoint.

    python main.py --config=dragan
    python main.py --config=dragan:digits

Result: on digits, 100 kimg (3,125 rounds), seed 0, one core of an AMD EPYC, 1:58: FID 13.4, precision 0.487, recall
0.685, confidence 0.895 (`--mode=evaluate --num=10000`: averaged generator, classifier features). CIFAR-10 not yet
measured: it needs a GPU or TPU.
"""

from gan_jax.configs._papers import dcgan, on, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.terms.dragan = {"weight": 10.0}
    dcgan(config, critic_norm="none")
    train_for(config, 6_000.0, "constant", learning_rate=2e-4)
    if data == "digits":
        train_for(config, 100.0, "linear", learning_rate=2e-3)
    return config
