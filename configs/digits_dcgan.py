"""DCGAN on the embedded digits, tuned to make readable digits within three minutes on two CPU cores.

Paper: Radford et al. 2016, with half its channels, no normalisation but R1 in the discriminator (Mescheder et al. 2018,
lazily as in Karras et al. 2020), small batches, and high learning rates that fall to zero.

    python main.py

Result: RESULT
"""

from gan_jax.config import base_config


def get_config():
    config = base_config()
    config.batch_size = 32
    config.total_kimg = 320.0
    config.networks.latent_size = 32
    config.networks.generator = {"name": "dcgan", "width": 32, "norm": "batch"}
    config.networks.discriminator = {"name": "dcgan", "width": 32, "norm": "none"}
    config.penalty = {"name": "r1", "weight": 0.2, "every": 8}
    for player in ("generator", "discriminator"):
        config.optimizers[player].update(learning_rate=4e-3, decay="linear", decay_kimg=320.0)
    config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 5.0, 20.0, 80.0
    return config
