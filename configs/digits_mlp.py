"""The fully connected GAN of the introductions, on the embedded digits.

Paper: Goodfellow et al. 2014, section 5, with leaky ReLU and Adam instead of maxout and momentum.

    python main.py --config=configs/digits_mlp.py

Result: RESULT
"""

from gan_jax.config import base_config


def get_config():
    config = base_config()
    config.total_kimg = 600.0
    for player in ("generator", "discriminator"):
        config.networks[player] = {"name": "mlp", "width": 512, "depth": 3, "norm": "none"}
        config.optimizers[player].learning_rate = 2e-4
    config.sample_kimg, config.checkpoint_kimg = 20.0, 60.0
    return config
