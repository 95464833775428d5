"""SAGAN: self-attention, and spectral normalization in both networks.

Paper: Zhang et al. 2019, at CIFAR-10's size with the settings of Kang et al. 2023 (StudioGAN): class-conditional by
projection and conditional batch normalization, attention at 16 pixels, orthogonal initial weights, hinge loss, five
turns of the discriminator, Adam 2e-4 (0.5, 0.999), flips of the images. FID 10.4 there, without an average of the
generator, and with shortcuts behind a ReLU, see `gan_jax.networks.resnet`.

    python main.py --config=sagan
    python main.py --config=sagan:digits

Result: on digits, 60 kimg (1,875 rounds), seeds 0-2, one core of an AMD EPYC, 5:53 when idle: FID 11.1 +- 3.4 at the
end, 9.1 +- 2.4 at its best round, precision 0.641, recall 0.188, confidence 0.970 (`--mode=evaluate --num=10000`:
averaged generator, classifier features). The twin begins with Glorot's weights: on an H100, seeds 0 and 1, FID was 6.9
and 9.7 with them, 14.8 and 17.5 with orthogonal ones, whose recall was twice as high. CIFAR-10 not yet measured: it
needs a GPU or TPU.
"""

from gan_jax.configs._papers import on, resnet, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.labels, config.loss, config.n_critic = "require", "hinge", 5
    resnet(config, generator_width=256, width=128)
    config.data.flip = data == "cifar10"
    train_for(config, 32_000.0, "constant", learning_rate=2e-4, b1=0.5, b2=0.999)
    if data == "digits":
        config.n_critic = 1
        resnet(config, generator_width=16, width=16)
        train_for(config, 60.0, "linear", learning_rate=2e-3, b1=0.0, b2=0.99)
        config.optimizers.generator = {"learning_rate": 5e-4}  # two time scales, as on ImageNet; else it collapses
    attention, initial_weights = (16, "orthogonal") if data == "cifar10" else (14, "glorot")
    for player in ("generator", "discriminator"):
        config.networks[player].update(attention=attention, spectral=True, initial_weights=initial_weights)
    return config
