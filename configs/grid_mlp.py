"""Twenty-five Gaussians on a grid: the textbook case of mode collapse, and a cure.

Paper: the mode-collapse benchmark of Lin et al. 2018 (PacGAN), section 4.1, with R1 (Mescheder et al. 2018) instead of
packing. With --config.penalty.name=none the same networks lose modes.

    python main.py --config=configs/grid_mlp.py

Result: RESULT
"""

from gan_jax.config import base_config


def get_config():
    config = base_config()
    config.data.source = "grid"
    config.batch_size = 256
    config.total_kimg = 4000.0
    config.networks.latent_size = 2
    for player in ("generator", "discriminator"):
        config.networks[player] = {"name": "mlp", "width": 128, "depth": 3, "norm": "none"}
        config.optimizers[player].update(learning_rate=1e-3, decay="linear", decay_kimg=4000.0)
    config.penalty = {"name": "r1", "weight": 1.0, "every": 1}
    config.ema.half_life_kimg = 50.0
    config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 50.0, 100.0, 1000.0
    return config
