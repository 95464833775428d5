"""Twenty-five Gaussians on a grid: the textbook case of mode collapse, and a cure.

Paper: the mode-collapse benchmark of Lin et al. 2018 (PacGAN), section 4.1, with R1 (Mescheder et al. 2018) instead of
packing. With --config.penalty.name=none the same networks lose modes.

    python main.py --config=configs/grid_mlp.py

Result: 4,000 kimg (15,625 rounds), seeds 0-2, 2 cores of an AMD EPYC, 1:26: 25 of 25 modes, 79.6 +- 1.4 % of the
samples within 3 standard deviations, KL 0.007 +- 0.002, best and last; without the penalty, seed 0: best 20 of 25,
71.1 %, KL 0.78, last 21 of 25, 75.0 %, KL 0.79 (`--mode=evaluate --num=10000`, PacGAN's protocol: averaged generator,
2,500 samples).
"""

from configs import ring_mlp


def get_config():
    config = ring_mlp.get_config()
    config.data.source = "grid"
    config.total_kimg = 10_000.0
    config.penalty.weight = 1.0
    for player in ("generator", "discriminator"):
        config.optimizers[player].decay_kimg = 10_000.0
    return config
