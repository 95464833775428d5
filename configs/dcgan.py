"""DCGAN: convolutional networks with batch normalization, against which the others are measured.

Paper: Radford et al. 2016: the non-saturating objective, Adam 2e-4 (0.5, 0.999). FID 48.3 on CIFAR-10 in Kang et al.
2023 (StudioGAN, of larger networks, with two turns of the discriminator), at its best checkpoint; 137 at the end there.

    python main.py --config=dcgan
    python main.py --config=dcgan:digits

Result: on digits, 100 kimg (3,125 rounds), seed 0, one core of an AMD EPYC, 1:24: FID 18.6, precision 0.508, recall
0.619, confidence 0.890 (`--mode=evaluate --num=10000`: averaged generator, classifier features). CIFAR-10 not yet
measured: it needs a GPU or TPU.
"""

from gan_jax.configs._papers import dcgan, on, train_for


def get_config(data="cifar10"):
    config = on(data)
    dcgan(config, critic_norm="batch")
    train_for(config, 6_000.0, "constant", learning_rate=2e-4)
    if data == "digits":
        train_for(config, 100.0, "linear", learning_rate=2e-3)
    return config
