"""pix2pix on the facades: photographs of houses from plans of their windows, doors and cornices.

Paper: Isola et al. 2017: U-Net of 54.4 million parameters, dropout as noise, PatchGAN of 70 pixels, cross-entropy and
100 L1, batch 1, 200 epochs of 400 pictures, the second half with a falling rate. Its official weights have an FID of
119.1 (106 pictures, MMGeneration's protocol). What differs: the generator is averaged, and the rate falls with every
image, there with every epoch.

The data are the CMP facades (Tylecek and Sara 2013) as the paper's authors prepared them, the plan on the right:

    curl -L http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/facades.tar.gz | tar xz
    python main.py --config=facades_pix2pix
    python main.py --config=facades_pix2pix --config.data.source=zip:facades.zip/train \
        --config.evaluation.source=zip:facades.zip/val

Result: not yet measured: it needs a GPU or TPU. See facades_pix2pix_128.
"""

from gan_jax.config import config_for

EPOCH = 0.4  # kimg


def get_config():
    config = config_for("pix2pix")
    config.batch_size = 1
    config.data.update(source="folder:facades/train", image_size="256", pair="right_left", jitter=286, flip=True)
    config.evaluation.source = "folder:facades/val"
    config.networks.generator = {"name": "unet", "width": 64, "depth": 8}
    config.networks.discriminator = {"name": "patch", "width": 64, "layers": 3}
    config.total_kimg = 200 * EPOCH
    config.optimizers.default.update(schedule="linear", hold_kimg=100 * EPOCH, decay_kimg=100 * EPOCH)
    config.ema.half_life_kimg = 1.0
    config.log_kimg, config.sample_kimg, config.eval_kimg, config.checkpoint_kimg = 0.4, 2.0, 10.0, 10.0
    return config
