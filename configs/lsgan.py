"""LSGAN: least squares in place of cross-entropy.

Paper: Mao et al. 2017, eq. 9, with DCGAN networks. FID 40.2 on CIFAR-10 in Kang et al. 2023 (StudioGAN), at its best
checkpoint; it diverges later there.

    python main.py --config=configs/lsgan.py
    python main.py --config=configs/lsgan.py:digits

Result: CIFAR-10 not yet measured: it is made for an accelerator.
"""

from configs._papers import dcgan, on, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.loss = "least_squares"
    dcgan(config, critic_norm="batch")
    train_for(config, 6_000.0, "constant", learning_rate=2e-4)
    if data == "digits":
        train_for(config, 100.0, "linear", learning_rate=2e-3)
    return config
