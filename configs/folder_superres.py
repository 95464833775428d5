"""SRGAN on your own pictures: four times as high and wide.

Paper: Ledig et al. 2017: SRResNet of 16 blocks, windows of 96 pixels, batch 16, Adam 1e-4; mean squared error first,
then 0.001 of the adversarial and some of the perceptual loss (here beside the former). Each stage has 50,000 rounds;
the paper's have 1,000,000 and 200,000, at ImageNet's size. The paper's perceptual player is VGG-19:
`--config.terms.perceptual.features=vgg19:FILE.pth` with torchvision's vgg19-*.pth, and
`--config.terms.perceptual.weight=1.0`. By default it is the classifier in the package; one of your own pictures is
better (`--mode=train_classifier`).

    python main.py --config=folder_superres --workdir=runs/mine --config.data.source=folder:PATH
    python main.py --mode=translate --workdir=runs/mine --input=SMALL --out=LARGE

All pictures are fitted to `data.image_size` before windows are cut out; a tenth is held out.

Result: at this size not yet measured: it needs a GPU or TPU. Shortened (32 channels, 4 blocks, a discriminator
of width 16, windows of 64, batch 8, rates 5e-4, 8 kimg of each stage, a classifier of CIFAR-10 as perceptual player) on
400 photographs of facades at 256 pixels, seed 0, one core, 17 min beside other work: on the 40 held-out ones bicubic
enlargement has a PSNR of 22.6 dB and SSIM 0.62; after the warm-up it is 23.0 and 0.65; after the adversarial stage 22.1
and 0.56, sharper to the eye, with a faint grid.
"""

from gan_jax.config import config_for


def get_config():
    config = config_for("srgan")
    config.batch_size = 16
    config.data.update(
        source="folder:pictures", image_size="256", task="superres", factor=4, crop=96, flip=True, held_out=0.1
    )
    config.networks.generator = {"name": "srresnet", "width": 64, "blocks": 16}
    config.networks.discriminator = {"name": "srresnet", "width": 64}
    config.warmup_kimg = 800.0
    config.terms = {
        "pixel": {},
        "perceptual": {"weight": 0.01, "features": "classifier"},
        "adversarial": {"weight": 1e-3},
    }
    config.total_kimg = 1600.0
    config.optimizers.default.update(
        learning_rate=1e-4, b1=0.9, schedule="linear", hold_kimg=1200.0, decay_kimg=400.0, final=0.1
    )
    config.eval_kimg = config.checkpoint_kimg = 50.0
    return config
