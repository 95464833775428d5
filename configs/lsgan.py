"""LSGAN: least squares in place of cross-entropy.

Paper: Mao et al. 2017, eq. 9, with the networks and settings of `dcgan`. FID 40.2 on CIFAR-10 in Kang et al. 2023
(StudioGAN, of larger networks, with two turns of the discriminator), at its best checkpoint; it diverges later there.

    python main.py --config=configs/lsgan.py
    python main.py --config=configs/lsgan.py:digits

Result: CIFAR-10 not yet measured: it is made for an accelerator.
"""

from configs import dcgan


def get_config(data="cifar10"):
    config = dcgan.get_config(data)
    config.loss = "least_squares"
    return config
