"""DCGAN at 64x64 on a folder of your own pictures.

Paper: Radford et al. 2016, with R1 (Mescheder et al. 2018) in place of batch normalization in the discriminator.

    python main.py --config=folder_dcgan64 --workdir=runs/mine --config.data.source=folder:PATH

Result: not yet measured to its end: 48 images/s on 2 cores of an AMD EPYC, where 1,000 kimg take six hours; it needs a
GPU or TPU. Narrower, with DiffAugment, on 606 photographs of houses: docs/dissection.md shows those of 160 kimg. On
CIFAR-10 (50,000 pictures as a zip file, decoded in 9 s at their own size) it has learned colors and coarse layout after
10 kimg, no objects yet.
"""

from gan_jax.config import config_for


def get_config():
    config = config_for()
    config.data.source = "folder:pictures"
    config.data.image_size = "64"
    config.batch_size = 32
    config.total_kimg = 1000.0
    config.networks.generator = {"name": "dcgan", "width": 64, "norm": "batch"}
    config.networks.discriminator = {"name": "dcgan", "width": 64, "norm": "none"}
    config.terms.r1 = {"weight": 1.0, "every": 8}
    config.optimizers.default.update(learning_rate=5e-4)
    config.ema.half_life_kimg = 20.0
    config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 1.0, 10.0, 20.0
    config.eval_kimg = 100.0
    return config
