"""CycleGAN on the facades: photographs from plans and plans from photographs, without knowing which belong together.

Paper: Zhu et al. 2017: two ResNet generators of 11.4 million parameters (9 blocks at 256 pixels, 6 at 128), two
PatchGANs of 70 pixels, least squares, cycle 10, identity half of that, a history of 50 images, batch 1, 200 epochs of
400 pictures, the second half with a falling rate. Its official weights have an FID of 123.6 (MMGeneration's protocol).
What differs: the discriminators move before the generators, see `gan_jax.games.cyclegan`, and generators are averaged.

The data are those of facades_pix2pix, whose docstring says how to get them; plans are A, the inputs, and photographs B.

    python main.py --config=facades_cyclegan
    python main.py --config=facades_cyclegan:64

The second is for CPUs: 64 pixels, a quarter of the width, 4 blocks, patches of 34 pixels, 30 epochs.

Result: at 64 pixels, 12 kimg (12,000 rounds), seed 0, one core of an AMD EPYC beside other work, 38 min: the cycle loss
falls from 0.59 to 0.27 (means over both sets). On the 106 test pictures: L1 0.205, SSIM 0.10, Fréchet distance 10.9 at
the end; 0.203, 0.08 and 10.2 at the best round (6 kimg, by PSNR). The plans themselves: 0.391, -0.01 and 164; 106
training photographs: 7.8. Measured with `--config.networks.discriminator.padding=same` and
`--config.networks.generator.padding=same`, before it was the authors'. At 256 pixels not yet measured: it needs a GPU
or TPU.
"""

from gan_jax.config import config_for
from gan_jax.configs import facades_pix2pix
from gan_jax.errors import UserError


def get_config(size="256"):
    if size not in ("256", "64"):
        raise UserError(f"this config is for 256 or 64 pixels (NAME:256, NAME:64), not for {size!r}")
    config, like = config_for("cyclegan"), facades_pix2pix.get_config()
    for name in ("batch_size", "data", "optimizers", "total_kimg", "ema", "evaluation"):
        config[name] = like[name]
    config.log_kimg, config.sample_kimg, config.eval_kimg, config.checkpoint_kimg = 0.4, 2.0, 10.0, 10.0
    config.data.paired = False
    config.terms.adversarial.weight = 2.0  # the paper's squares are not halved
    if size == "64":
        config.data.update(image_size="64", jitter=72)
        config.networks.generator.update(width=16, blocks=4)
        config.networks.discriminator.update(width=16, layers=2)
        config.total_kimg = 30 * facades_pix2pix.EPOCH
        config.optimizers.default.update(hold_kimg=config.total_kimg / 2, decay_kimg=config.total_kimg / 2)
        config.ema.half_life_kimg, config.eval_kimg, config.checkpoint_kimg = 0.5, 2.0, 2.0
    return config
