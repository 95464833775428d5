"""From the digits 0 to 4 to a hundred pictures of each of 5 to 9: what a trained run is worth when there are few data.

Paper: Mo et al. 2020 (FreezeD), who adapt StyleGAN and SNGAN to sets of thousands of pictures; here the networks of
digits_dcgan, without labels. A run begins with another one's networks by init.workdir; freeze_d keeps the first layer
of the discriminator, freeze_g that of the generator, ada augments adaptively. FID is to all pictures of 5 to 9.

    python main.py --config=transfer_digits --workdir=runs/low
    python main.py --config=transfer_digits:few --workdir=runs/scratch
    python main.py --config=transfer_digits:few --config.init.workdir=runs/low --workdir=runs/fine_tuned
    python main.py --config=transfer_digits:freeze_d --config.init.workdir=runs/low --workdir=runs/freeze_d

Result: 40 kimg (1,250 rounds), seeds 0-2, two threads of an AMD EPYC, 1:10: FID from scratch 20.9 +- 1.7, fine-tuned
16.2 +- 0.6, freeze_d 16.1 +- 0.6, ada 17.1 +- 0.5, freeze_g 36.0 +- 0.6; at 20 kimg 31.7, 22.7, 22.7, 24.8 and 41.1
(features of the digits classifier, averaged generator, 10,000 samples, the run's own evaluations). The start has 9.9 to
0 to 4.
"""

from gan_jax.configs import digits_dcgan
from gan_jax.errors import UserError


def get_config(part="low"):
    if part not in ("low", "few", "freeze_d", "freeze_g", "ada"):
        raise UserError(f"this config is transfer_digits:low, few, freeze_d, freeze_g or ada, not {part!r}")
    config = digits_dcgan.get_config()
    config.labels = "ignore"
    config.data.classes = "0,1,2,3,4"
    config.total_kimg = 100.0
    config.optimizers.default.decay_kimg = 100.0
    if part != "low":
        config.data.classes, config.data.each = "5,6,7,8,9", 100
        config.evaluation.source = "digits"
        config.total_kimg, config.eval_kimg, config.log_kimg = 40.0, 4.0, 2.0
        config.optimizers.default.update(learning_rate=1e-3, schedule="constant")
        config.ema.half_life_kimg = 2.0
    if part == "freeze_d":
        config.optimizers.discriminator = {"freeze": "Conv_0"}
    if part == "freeze_g":
        config.optimizers.generator = {"freeze": "Dense_0,BatchNorm_0"}
    if part == "ada":
        config.augment.update(name="ada", policy="bgc", speed_kimg=20.0)
    return config
