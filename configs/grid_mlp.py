"""Twenty-five Gaussians on a grid: the textbook case of mode collapse, and a cure.

Paper: the mode-collapse benchmark of Lin et al. 2018 (PacGAN), section 4.1, with R1 (Mescheder et al. 2018) instead of
packing. With --config.terms.r1.weight=0 the same networks lose half of the modes.

    python main.py --config=grid_mlp

Result: 10,000 kimg (78,125 rounds), seeds 0-9 as one program (`benchmarks/mode_collapse.py`): 25.0 of 25 modes, 95.6 +-
0.5 % of the samples within 3 standard deviations, KL 0.005 +- 0.001 (PacGAN's protocol: averaged generator, 2,500
samples). Without the penalty 11.2 +- 1.7 modes, 96.5 +- 0.7 %, KL 1.63 +- 0.14.
"""

from gan_jax.configs import ring_mlp


def get_config():
    config = ring_mlp.get_config()
    config.data.source = "grid"
    config.total_kimg = 10_000.0
    config.terms.r1.weight = 1.0
    config.optimizers.default.decay_kimg = 10_000.0
    return config
