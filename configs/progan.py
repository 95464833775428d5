"""ProGAN.
"""

from gan_jax.configs._papers import on, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.loss, config.batch_size = "wasserstein", 16
    config.terms.gradient_penalty = {"weight": 10.0, "target": 750.0}
    config.terms.drift = {"weight": 0.001}
    for player in ("generator", "discriminator"):
        config.networks[player] = {"name": "progan", "width": 128, "max_width": 128}
    config.growing.update(stage_kimg=400.0, fade_kimg=400.0)
    config.ema.half_life_kimg, config.ema.ramp_up = 11.1, 1.0
    train_for(config, 20_000.0, "constant", learning_rate=1e-3, b1=0.0, b2=0.99, restart=True)
    if data == "digits":
        config.terms.gradient_penalty.target = 1.0
        config.networks.latent_size = 64
        for player in ("generator", "discriminator"):
            config.networks[player].update(width=16, max_width=64)
        config.growing.update(stage_kimg=20.0, fade_kimg=20.0)
        config.ema.half_life_kimg, config.ema.ramp_up = 5.0, 0.05
        train_for(config, 150.0, "constant")
    return config
