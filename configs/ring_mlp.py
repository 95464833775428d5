"""Eight Gaussians on a ring, watched as they converge.

Paper: the mode-collapse benchmark of Lin et al. 2018 (PacGAN), section 4.1, with R1 (Mescheder et al. 2018) instead of
packing.

    python main.py --config=ring_mlp

Result: 3,000 kimg (23,438 rounds), seeds 0-9 as one program (`benchmarks/mode_collapse.py`), one core of an AMD EPYC,
7:20: 8.0 of 8 modes, 93.4 +- 0.7 % of the samples within 3 standard deviations, KL 0.002 +- 0.001 (PacGAN's protocol:
averaged generator, 2,500 samples). Without the penalty 6.4 +- 1.4 modes.
"""

from gan_jax.config import config_for


def get_config():
    config = config_for()
    config.data.source = "ring"
    config.batch_size = 128
    config.total_kimg = 3000.0
    config.networks.latent_size = 2
    for player in ("generator", "discriminator"):
        config.networks[player] = {"name": "mlp", "width": 128, "depth": 3, "norm": "none", "bias_std": 1.0}
    config.optimizers.default.update(learning_rate=2e-3, b1=0.0, b2=0.99, schedule="linear", decay_kimg=3000.0)
    config.terms.r1 = {"weight": 0.1, "every": 1}
    config.ema.half_life_kimg = 50.0
    config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 50.0, 100.0, 1000.0
    config.eval_kimg, config.evaluation.num = 500.0, 2500
    return config
