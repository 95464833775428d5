"""Three digits as red, green and blue: a thousand modes to find.

Paper: the mode-collapse benchmark of Lin et al. 2018 (PacGAN), section 4.2, on the embedded digits, with DCGAN networks
and the objective of Huang et al. 2024 (R3GAN): relativistic pairs, R1 + R2.

    python main.py --config=stacked_dcgan

Result: 200 kimg (6,250 rounds), seed 0, one core of an AMD EPYC, 6:50: 998 of 1,000 modes, KL 0.13 (26,000 samples of
the averaged generator, digits classifier). Three seeds after 60 kimg: 992 +- 3, KL 0.37; non-saturating without a
penalty 983 +- 10, KL 0.46 (`benchmarks/mode_collapse.py`).
"""

from gan_jax.configs._papers import dcgan, train_for

from gan_jax.config import config_for


def get_config():
    config = config_for()
    config.data.source = "stacked_digits"
    config.loss = "relativistic"
    config.terms.r1_r2 = {"weight": 1.0}
    config.batch_size, config.networks.latent_size = 32, 64
    dcgan(config, critic_norm="none")
    train_for(config, 200.0, "linear", learning_rate=2e-3, b1=0.0, b2=0.99)
    config.evaluation.metrics = "fid,modes"
    config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 4.0, 20.0, 50.0
    return config
