"""pix2pix on the facades at 128 pixels with narrower networks: for CPUs and short runs.

Paper: Isola et al. 2017, as in facades_pix2pix, whose docstring says how to get the data; a fifth of the parameters, a
patch of the discriminator has 34 pixels, batch 4 with twice the rate, 60 epochs.

    python main.py --config=facades_pix2pix_128

Result: 24 kimg (6,000 rounds), seed 0, two cores of an AMD EPYC, 24 min (18 images/s). On the 106 test pictures: L1
0.176, PSNR 12.9 dB, SSIM 0.25, Fréchet distance 13.4 at the end; 0.169, 13.3, 0.27 and 14.2 at the best round (12 kimg,
by Fréchet distance among the validation pictures). The plans themselves: 0.399, 6.6, 0.03 and 167; 106 training
photographs: 7.8. Measured with `--config.networks.discriminator.padding=same`, before it was the authors'. The features
are those of a classifier of CIFAR-10 at 32 pixels (docs/results.md), by
--config.evaluation.features=classifier:cifar10.npz.
"""

from gan_jax.configs import facades_pix2pix


def get_config():
    config = facades_pix2pix.get_config()
    config.batch_size = 4
    config.data.update(image_size="128", jitter=143)
    config.networks.generator.update(width=32, depth=7)
    config.networks.discriminator.update(width=32, layers=2)
    config.total_kimg = 60 * facades_pix2pix.EPOCH
    half = config.total_kimg / 2
    config.optimizers.default.update(learning_rate=4e-4, hold_kimg=half, decay_kimg=half)
    config.ema.half_life_kimg = 0.5
    config.eval_kimg = config.checkpoint_kimg = 4.0
    return config
