"""pix2pix that colors CIFAR-10: the game makes its own pairs, a picture and what is left of it in gray.

Paper: Isola et al. 2017, section 4.3; here at 32 pixels: a U-Net of depth 5, patches of 16 pixels, batch 16.

    python main.py --config=cifar10_colorize
    python main.py --config=cifar10_colorize --config.data.source=zip:cifar10.zip/train \
        --config.evaluation.source=zip:cifar10.zip/test

Any pictures do: `--config.data.source=folder:PATH --config.data.image_size=32 --config.data.held_out=0.1
--config.evaluation.source=`.

Result: 200 kimg (12,500 rounds), seed 0, one core of an AMD EPYC, 20 min at 165 images/s. On the 10,000 test pictures
(--mode=evaluate --checkpoint=last --metrics=pairs,fid), which is the best round too: L1 0.0503, PSNR 24.3 dB, SSIM
0.930, Fréchet distance 2.94; the gray pictures themselves 0.0485, no PSNR (some were gray already), 0.955 and 6.32;
10,000 training pictures 0.25. So it dares colors that are not always the right ones: skies are blue and lawns green, a
yellow plane is gray. The features are those of a classifier of CIFAR-10 (docs/results.md), by
--config.evaluation.features=classifier:cifar10.npz; averaged generator. Measured with
`--config.networks.discriminator.padding=same`, before it was the authors'.
"""

from gan_jax.config import config_for


def get_config():
    config = config_for("pix2pix")
    config.batch_size = 16
    config.data.update(source="tfds:cifar10", task="colorize", flip=True)
    config.evaluation.update(source="tfds:cifar10:test", num=1000)
    config.networks.generator = {"name": "unet", "width": 32, "depth": 5}
    config.networks.discriminator = {"name": "patch", "width": 32, "layers": 1}
    config.total_kimg = 200.0
    config.optimizers.default.update(schedule="linear", hold_kimg=100.0, decay_kimg=100.0)
    config.eval_kimg = config.checkpoint_kimg = 20.0
    return config
