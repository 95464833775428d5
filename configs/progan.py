"""ProGAN: networks that grow, a Wasserstein critic with a gradient penalty.

Paper: Karras et al. 2018, the setting for CIFAR-10: 128 channels everywhere, 128 latents, 400 kimg at each resolution
and as many to fade the next one in, lambda 10 for a gradient norm of 750, drift 0.001, batch 16, Adam 1e-3 (0, 0.99)
whose moments begin anew at each stage, an average with a half-life of 693 rounds. Inception score 8.80 there.

    python main.py --config=progan
    python main.py --config=progan:digits

Result: on digits, 150 kimg, seeds 0 to 2, about 25 min each on one core of an AMD EPYC beside another run: FID (digits)
51.0 +- 0.3 at 50 kimg, when there are 14x14 pixels, 19.6 +- 0.7 at 100, 14.0 +- 0.2 at the end; precision 0.558, recall
0.673, path length 979 in z (seed 0). Losses differ by 0.1 (discriminator) and 0.3 (generator) before and after the last
resolution is all there; while it fades in the generator's rises by 1 and falls again. CIFAR-10 not yet measured.
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
