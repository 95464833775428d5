"""What the configs of papers on CIFAR-10 share: that data set, or the digits in a twin small enough for a laptop."""

from gan_jax.config import config_for
from gan_jax.errors import UserError


def on(data: str):
    """A config on "cifar10" or "digits".

    Raises:
        UserError: on anything else.
    """
    if data not in ("cifar10", "digits"):
        raise UserError(f"this config is for cifar10 or digits (NAME:cifar10, NAME:digits), not for {data!r}")
    config = config_for()
    config.batch_size = 64
    config.networks.latent_size = 128
    if data == "cifar10":
        config.data.source = "tfds:cifar10"
        config.log_kimg, config.sample_kimg, config.checkpoint_kimg, config.eval_kimg = 10.0, 200.0, 200.0, 1000.0
        config.ema.half_life_kimg = 50.0
        config.evaluation.num = 50_000
    else:
        config.batch_size = 32
        config.networks.latent_size = 32
        config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 4.0, 10.0, 50.0
    return config


def train_for(config, kimg: float, schedule: str, **optimizer):
    """The optimizer, and how long: with schedule="linear" the learning rate falls to 0 over all of it."""
    config.total_kimg = kimg
    config.optimizers.default.update(schedule=schedule, decay_kimg=kimg, **optimizer)


def dcgan(config, *, critic_norm: str):
    """The networks of Radford et al. 2016, the discriminator's normalization "batch" or "none"."""
    width = 32 if "digits" in config.data.source else 64
    config.networks.generator = {"name": "dcgan", "width": width, "norm": "batch"}
    config.networks.discriminator = {"name": "dcgan", "width": width, "norm": critic_norm}


def resnet(config, *, generator_width: int, width: int):
    """The residual networks of WGAN-GP and SNGAN at 32 pixels."""
    config.networks.generator = {"name": "resnet", "width": generator_width}
    config.networks.discriminator = {"name": "resnet", "width": width}
