"""WGAN-GP: a critic held near slope 1 by a gradient penalty.

Paper: Gulrajani et al. 2017, the CIFAR-10 ResNet: lambda 10, five turns of the critic, no normalization in it, Adam
2e-4 (0, 0.9) falling to 0 over 100,000 rounds, twice as many samples for the generator, uniform noise within the levels
of the images. IS 7.86 there. FID 22.3 in Lee and Town 2020 (Mimicry), whose generator is 256 wide (4.28 million
parameters, there and here 1.20) and enlarges bilinearly.

    python main.py --config=wgan_gp
    python main.py --config=wgan_gp:digits

Result: on digits, 200 kimg (1,250 rounds), seed 0, one core of an AMD EPYC, 2:41: FID 20.6, precision 0.455, recall
0.534, confidence 0.868 (`--mode=evaluate --num=10000`: averaged generator, classifier features). CIFAR-10 not yet
measured: it needs a GPU or TPU.
"""

from gan_jax.configs._papers import dcgan, on, resnet, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.loss, config.n_critic, config.generator_batch = "wasserstein", 5, 2
    config.terms.gradient_penalty = {"weight": 10.0}
    resnet(config, generator_width=128, width=128)
    config.networks.discriminator.pool = "mean"
    config.data.dequantize = True
    train_for(config, 32_000.0, "linear", learning_rate=2e-4, b1=0.0, b2=0.9)
    if data == "digits":
        dcgan(config, critic_norm="none")
        config.generator_batch, config.data.dequantize = 1, False
        train_for(config, 200.0, "linear", learning_rate=1e-3)
    return config
