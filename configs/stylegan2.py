"""StyleGAN2: a mapping network, modulated convolutions, noise and a penalty on the lengths of paths.

Paper: Karras et al. 2020 (StyleGAN2-ADA), the setting for CIFAR-10: 512 channels at every resolution, 19.9 and 20.7
million parameters without labels, 20.2 and 23.1 with, as there; a mapping network of two layers, neither mixing of
styles nor path lengths, no residuals in the discriminator, groups of 32 for the standard deviation, R1 of 0.01 every 16
rounds, batch 64, Adam 2.5e-3 (0, 0.99), an average with a half-life of 500 kimg, flips, adaptive augmentation
by blits, geometry and color (bgc). FID 2.42 there with labels. On faces and digits styles are mixed and path lengths
penalized.

    python main.py --config=stylegan2
    python main.py --config=stylegan2:digits
    python main.py --config=stylegan2:faces --workdir=runs/faces --config.data.source=folder:PATH

Result: on digits, 60 kimg (1,875 rounds), seed 0, two threads of an AMD EPYC, 11 min: FID 76.6 at the end, its best:
not yet good, digits of one shape. Such networks learn slowly. More weight of R1 helps a little (20 kimg: 89.7 with 1,
84.4 with 10), a faster mapping network does not (109.4, 83.8). Faces and CIFAR-10 not yet measured.
"""

from gan_jax.configs._papers import on, train_for


def get_config(data="cifar10"):
    config = on("digits" if data == "faces" else data)
    config.labels = "require" if data == "cifar10" else "ignore"
    width, most, latents = {"cifar10": (512, 512, 512), "digits": (32, 128, 64), "faces": (32, 128, 128)}[data]
    config.networks.latent_size = latents
    config.networks.generator = {"name": "stylegan2", "width": width, "max_width": most, "mixing": 0.0}
    config.networks.generator["w_size"] = latents
    config.networks.discriminator = {"name": "stylegan2", "width": width, "max_width": most, "architecture": "original"}
    config.terms.r1 = {"weight": 0.01, "every": 16}
    train_for(config, 100_000.0, "constant", learning_rate=2.5e-3, b1=0.0, b2=0.99)
    if data == "cifar10":
        config.networks.discriminator.group = 32
        config.augment.update(name="ada", policy="bgc")
        config.data.flip = True
        config.ema.half_life_kimg = 500.0
    else:
        config.batch_size = 16
        config.terms.r1.weight = 10.0
        train_for(config, 80.0, "linear", learning_rate=0.01)
    if data == "faces":
        config.data.source, config.data.image_size = "folder:faces", "32"
        config.data.flip = True
        config.terms.r1.weight = 1.0
        train_for(config, 300.0, "linear", learning_rate=5e-3)
        config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 1.0, 10.0, 5.0
    return config
