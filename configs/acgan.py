"""AC-GAN: a discriminator that also names the class.

Paper: Odena et al. 2017, as the authors' code of Gulrajani et al. 2017 has it: the discriminator classifies real
images, weight 1, the generator's are classified with weight 0.1, and conditional batch normalization in the generator.
What differs: networks, hinge loss and settings of `sngan`. Odena's discriminator learns from generated images too:
`--config.terms.fake_classes.weight=1`.

    python main.py --config=acgan
    python main.py --config=acgan:digits

Result: on digits, 100 kimg (3,125 rounds), seeds 0-2, one core of an AMD EPYC, 1:44 when idle: FID 3.2 +- 0.3, best and
last, precision 0.594, recall 0.599, confidence 0.973 (`--mode=evaluate --num=10000`: averaged generator, classifier
features). CIFAR-10 not yet measured: it needs a GPU or TPU.
"""

from gan_jax.configs import sngan


def get_config(data="cifar10"):
    config = sngan.get_config(data)
    config.labels = "require"
    config.terms.classes = {"discriminator": 1.0, "generator": 0.1}
    config.networks.discriminator.conditioning = "auxiliary"
    return config
