"""StyleGAN2."""

from gan_jax.configs._papers import on, train_for

from gan_jax.config import config_for


def get_config(data="cifar10"):
    config = config_for() if data == "faces" else on(data)
    config.labels = "require" if data == "cifar10" else "ignore"
    width, most = {"cifar10": (512, 512), "digits": (16, 64), "faces": (32, 128)}[data]
    config.networks.latent_size = 512 if data == "cifar10" else most
    config.networks.generator = {"name": "stylegan2", "width": width, "max_width": most}
    config.networks.generator["w_size"] = config.networks.latent_size
    config.networks.discriminator = {"name": "stylegan2", "width": width, "max_width": most}
    config.terms.r1 = {"weight": 0.01, "every": 16}
    train_for(config, 100_000.0, "constant", learning_rate=2.5e-3, b1=0.0, b2=0.99)
    if data == "cifar10":
        config.networks.generator.mixing = 0.0
        config.networks.discriminator.update(architecture="original", group=32)
        config.augment.update(name="ada", policy="bgc")
        config.data.flip = True
        config.ema.half_life_kimg = 500.0
    else:
        config.terms.path_length = {}
        config.terms.r1.weight = 0.1 if data == "faces" else 1.0
        train_for(config, 300.0 if data == "faces" else 60.0, "constant")
    if data == "faces":
        config.data.source, config.data.image_size = "folder:faces", "32"
        config.data.flip = True
        config.batch_size = 32
        config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 1.0, 10.0, 5.0
    return config
