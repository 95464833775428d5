"""SRGAN on digits: 28x28 pixels from 7x7, first near every pixel, then like a digit.

Paper: Ledig et al. 2017, small: SRResNet of 4 blocks and 32 channels without batch normalization, its discriminator of
an eighth of the width. A tenth of the digits is held out. The perceptual player is the classifier of digits in the
package: the maps of its convolutions.

    python main.py --config=digits_superres
    python main.py --mode=evaluate --workdir=runs/digits_superres --checkpoint=last --metrics=pairs,fid

Result: 120 kimg (3,750 rounds), seed 0, one core of an AMD EPYC, 9:58. On the 1,000 held-out digits: bicubic
enlargement has a PSNR of 14.5 dB, SSIM 0.40 and Fréchet distance 74.8; after the warm-up (60 kimg) it is 21.3, 0.83 and
3.4; at the end, which is the best round, 21.7, 0.88 and 1.17 (averaged generator, classifier features). Perceptual
player: the digits classifier, whose features the Fréchet distance takes too. Without the two other terms
(--config.terms.adversarial.weight=0 --config.terms.perceptual.weight=0), as long: 22.4, 0.87 and 1.60.
"""

from gan_jax.config import config_for


def get_config():
    config = config_for("srgan")
    config.batch_size = 32
    config.data.update(task="superres", factor=4, held_out=0.1)
    config.networks.generator = {"name": "srresnet", "width": 32, "blocks": 4, "norm": "none"}
    config.networks.discriminator = {"name": "srresnet", "width": 8, "norm": "none"}
    config.warmup_kimg = 60.0
    config.terms = {
        "pixel": {},
        "perceptual": {"weight": 0.01, "features": "classifier"},
        "adversarial": {"weight": 0.01},
    }
    config.total_kimg = 120.0
    config.optimizers.default.update(
        learning_rate=1e-3, b1=0.9, schedule="linear", hold_kimg=60.0, decay_kimg=60.0, final=0.1
    )
    config.ema.half_life_kimg = 2.0
    config.eval_kimg = config.checkpoint_kimg = 20.0
    return config
