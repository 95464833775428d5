"""Improved GAN: a classifier of digits that learns from a hundred labels, ten of each class, and many images without.

Paper: Salimans et al. 2016, sections 5 and 6.1: K classes and a generator's images as one more, feature matching, 100
labels of MNIST; 0.93 % of errors there, with 60,000 images without labels in place of 8,000. The classifier is
convolutional, and its answer shall not change with noise and small affine maps of the image (Laine and Aila 2017).

    python main.py --config=configs/semi_supervised.py
    python main.py --config=configs/semi_supervised.py \
        --config.semi_supervised.unlabelled_weight=0 --config.semi_supervised.consistency=0

The first trains it on 8,000 of the embedded digits, the second the same classifier on the 100 labels alone;
`test_error` is the share of the 2,000 others that the averaged classifier gets wrong. Other seeds choose other digits
with `--config.seed=1 --config.data.split_seed=1`.

Result: not yet measured.
"""

from gan_jax.config import base_config


def get_config():
    config = base_config()
    config.game, config.labels = "semi_supervised", "require"
    with config.unlocked():
        config.semi_supervised = {"unlabelled_weight": 1.0, "consistency": 100.0}
    config.data.update(labelled=100, held_out=0.2)
    config.augment.update(name="diffaugment", policy="affine")
    config.batch_size, config.total_kimg = 100, 300.0
    config.networks.generator = {"name": "improved", "width": 500}
    config.networks.discriminator = {"name": "convnet", "width": 16, "input_noise": 0.3, "noise": 0.5}
    for player in ("generator", "discriminator"):
        config.optimizers[player].update(learning_rate=2e-3, decay="linear", decay_kimg=300.0)
    config.log_kimg, config.sample_kimg, config.checkpoint_kimg, config.eval_kimg = 5.0, 20.0, 50.0, 50.0
    return config
