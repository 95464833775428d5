"""BigGAN: class-conditional, with hierarchical latents and one embedding of the classes for all blocks.

Paper: Brock et al. 2019, at CIFAR-10's size with the settings of Kang et al. 2023 (StudioGAN): 9.42 million parameters
in the generator, 80 latents in four chunks, attention at 16 pixels, spectral normalization in both networks, orthogonal
initial weights, hinge loss, five turns of the discriminator, Adam 2e-4 (0.5, 0.999), an average with a half-life of
2,200 kimg, there from round 1,000 on, flips of the images. FID 4.16 there, with shortcuts behind a ReLU, see
`gan_jax.networks.resnet`. The authors' own network for CIFAR-10 (BigGAN-PyTorch) has neither hierarchy nor attention.

    python main.py --config=biggan
    python main.py --config=biggan:digits

Result: on digits, 60 kimg (1,875 rounds), seeds 0-2, one core of an AMD EPYC, 5:57 when idle: FID 6.5 +- 0.7, best and
last, precision 0.667, recall 0.277, confidence 0.962 (`--mode=evaluate --num=10000`: averaged generator, classifier
features); seeds 0 and 1 on an H100: FID 6.3 and 9.2. With Glorot's weights FID was 7.3 +- 0.5, recall 0.105, and 5.1
and 10.0 on the H100. CIFAR-10 not yet measured: it needs a GPU or TPU.
"""

from gan_jax.configs import sagan


def get_config(data="cifar10"):
    config = sagan.get_config(data)
    config.networks.latent_size = 80 if data == "cifar10" else 24
    config.networks.generator.update(hierarchical=True, embedding_size=128, initial_weights="orthogonal")
    config.networks.discriminator.initial_weights = "orthogonal"
    if data == "cifar10":
        config.networks.generator.width, config.networks.discriminator.width = 384, 192
        config.ema.half_life_kimg, config.ema.ramp_up = 2200.0, 1.0
    return config
