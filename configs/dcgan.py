"""DCGAN: convolutional networks with batch normalization, against which the others are measured.

Paper: Radford et al. 2016: the non-saturating objective, Adam 2e-4 (0.5, 0.999), batch 128, 100 uniform latents. FID
48.3 on CIFAR-10 in Kang et al. 2023 (StudioGAN), at its best checkpoint, 137 at the end, but of networks three times as
large (3.81 and 2.93 million parameters, here 1.07 and 0.66), with two turns of the discriminator and flips.

    python main.py --config=dcgan
    python main.py --config=dcgan:digits

Result: on digits, 100 kimg (3,125 rounds), seeds 0-2, one core of an AMD EPYC, 1:24 when idle: FID 16.7 +- 1.1 at the
end, 16.2 +- 0.5 at its best round, precision 0.500, recall 0.649, confidence 0.892 (`--mode=evaluate --num=10000`:
averaged generator, classifier features). CIFAR-10 not yet measured: it needs a GPU or TPU.
"""

from gan_jax.configs._papers import dcgan, on, train_for


def get_config(data="cifar10"):
    config = on(data)
    dcgan(config, critic_norm="batch")
    config.networks.prior = "uniform"
    config.batch_size, config.networks.latent_size = 128, 100
    train_for(config, 6_000.0, "constant", learning_rate=2e-4)
    if data == "digits":
        config.batch_size, config.networks.latent_size = 32, 32
        train_for(config, 100.0, "linear", learning_rate=2e-3)
    return config
