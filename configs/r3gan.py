"""R3GAN: relativistic pairs, R1 + R2, and a plain modern ResNet; no tricks.

Paper: Huang et al. 2024, the CIFAR-10 preset: batch 512, 64 latents, Adam 2e-4 (0, 0.99) falling along a cosine to a
quarter, gamma from 0.05 to a tenth, augmentation rising to probability 0.55, flips of the images. FID 1.96 there. What
differs: b2 is 0.99 from the start (there it rises to that from 0.9), the average's half-life rises to 5,000 kimg
linearly (there along a cosine), colors are augmented as often as all else (there half as often) and by bilinear
resampling, the penalties see an augmentation of their own, the generator is paired with the real images of the
discriminator's last turn, and all numbers are float32.

    python main.py --config=r3gan
    python main.py --config=r3gan:digits

Result: not yet measured since its networks are the paper's: on digits, 60 kimg (1,875 rounds) take about 40 min on one
core. With the filters of 0.2.0, half a pixel off, and without the head's second layer, seed 0, FID was 14.5, precision
0.731, recall 0.045, confidence 0.950 (`--mode=evaluate --num=10000`: averaged generator, classifier features): every
class, with little variety. CIFAR-10 not yet measured: it needs a GPU or TPU.
"""

from gan_jax.configs._papers import on, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.labels, config.loss = "require", "relativistic"
    config.terms.r1_r2 = {"weight": 0.05, "final": 0.1, "decay_kimg": 20_000.0}
    for player in ("generator", "discriminator"):
        config.networks[player] = {"name": "r3gan", "width": 768, "cardinality": 96}
    config.networks.latent_size = 64
    config.batch_size = 512
    config.augment.update(name="ada", policy="bgco", target=0.0, p=0.55, speed_kimg=20_000.0)
    config.ema.half_life_kimg, config.ema.ramp_up = 5000.0, 0.25
    config.data.flip = True
    train_for(config, 200_000.0, "cosine", learning_rate=2e-4, b1=0.0, b2=0.99, final=0.25)
    config.optimizers.default.decay_kimg = 20_000.0
    if data == "digits":
        config.batch_size, config.networks.latent_size, config.augment.name = 32, 32, "none"
        config.data.flip, config.ema.half_life_kimg, config.ema.ramp_up = False, 10.0, 0.05
        for player, width in (("generator", 48), ("discriminator", 32)):
            config.networks[player].update(width=width, cardinality=8, blocks=1)
        config.terms.r1_r2 = {"weight": 2.0}
        train_for(config, 60.0, "cosine", learning_rate=5e-4)
    return config
