"""SPADE on the facades at 128 pixels with narrower networks, for CPUs.

Paper: Park et al. 2019, as in facades_spade. What differs more: a twentieth of the parameters, 5.3 million in the
generator (half as many as facades_pix2pix_128 has) and 0.5 in the encoder, a patch of the discriminator has 34 pixels,
instances are normalized in place of batches, latents of 64 numbers, four times the rates, 30 epochs.

    python main.py --config=facades_spade_128

Result: 12 kimg (3,000 rounds), seed 0, one core of an Intel Xeon, 2 images/s. On the 106 test pictures, beside pix2pix
with as many parameters in the generator (facades_pix2pix_128 with a width of 23, 12 kimg): mean IoU by a segmenter
0.365 (pix2pix 0.288, real photographs 0.318), pixels right 0.648 (0.584, 0.594), Fréchet distance by that segmenter
0.017 (0.040), by EfficientNet, which SPADE learned from, 103 (183), diversity 0.34 (0.20); L1 0.185 (0.176), PSNR 12.4
dB (12.9), SSIM 0.274 (0.234).
"""

from gan_jax.configs import facades_pix2pix, facades_spade


def get_config():
    config = facades_spade.get_config()
    config.data.update(image_size="128", jitter=143)
    config.networks.generator.update(width=16, hidden=16, latent_size=64, norm="instance")
    config.networks.discriminator.update(width=32, layers=2)
    config.optimizers.generator.learning_rate, config.optimizers.discriminator.learning_rate = 4e-4, 1.6e-3
    config.total_kimg = 30 * facades_pix2pix.EPOCH
    half = config.total_kimg / 2
    config.optimizers.default.update(hold_kimg=half, decay_kimg=half)
    config.ema.half_life_kimg = 0.5
    config.eval_kimg = config.checkpoint_kimg = 4.0
    return config
