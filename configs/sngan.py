"""SNGAN: a spectrally normalized discriminator.

Paper: Miyato et al. 2018, the CIFAR-10 ResNet without labels: hinge loss, five turns of the discriminator, Adam 2e-4
(0, 0.9) falling to 0 over 50,000 rounds, twice as many samples for the generator, uniform noise within the levels of
the images. FID 21.7 there. What differs: the discriminator's last layer has a bias. FID 16.8 in Lee and Town 2020
(Mimicry) is of 100,000 rounds, a generator that enlarges bilinearly and shortcuts behind a ReLU. On digits DCGAN
networks and one turn of the discriminator.

    python main.py --config=sngan
    python main.py --config=sngan:digits

Result: on digits, 100 kimg (3,125 rounds), seed 0, one core of an AMD EPYC, 1:45: FID 9.1, precision 0.468, recall
0.743, confidence 0.906 (`--mode=evaluate --num=10000`: averaged generator, classifier features). CIFAR-10 not yet
measured: it needs a GPU or TPU.
"""

from gan_jax.configs._papers import dcgan, on, resnet, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.loss, config.n_critic, config.generator_batch = "hinge", 5, 2
    resnet(config, generator_width=256, width=128)
    config.data.dequantize = True
    train_for(config, 16_000.0, "linear", learning_rate=2e-4, b1=0.0, b2=0.9)
    if data == "digits":
        config.n_critic, config.generator_batch, config.data.dequantize = 1, 1, False
        dcgan(config, critic_norm="none")
        train_for(config, 100.0, "linear", learning_rate=2e-3)
    config.networks.discriminator.spectral = True
    return config
