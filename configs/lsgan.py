"""LSGAN: least squares in place of cross-entropy.

Paper: Mao et al. 2017, eq. 9, with the networks and settings of `dcgan`, as the paper has none for CIFAR-10. FID 40.2
in Kang et al. 2023 (StudioGAN), at its best checkpoint, but of larger networks, see `dcgan`; it diverges later there.

    python main.py --config=lsgan
    python main.py --config=lsgan:digits

Result: on digits, 100 kimg (3,125 rounds), seeds 0-2, one core of an AMD EPYC, 1:37 when idle: FID 16.3 +- 1.0, best
and last, precision 0.490, recall 0.638, confidence 0.894 (`--mode=evaluate --num=10000`: averaged generator, classifier
features). CIFAR-10 not yet measured: it needs a GPU or TPU.
"""

from gan_jax.configs import dcgan


def get_config(data="cifar10"):
    config = dcgan.get_config(data)
    config.loss = "least_squares"
    return config
