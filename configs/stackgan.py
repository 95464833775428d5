"""StackGAN: images of captions in two stages, on digits in colors whose captions are of a small grammar.

Paper: Zhang et al. 2017, small: 16 and 32 pixels for 64 and 256; stage I's generator and what refines it are of
residual blocks; a GRU of 128 for a pretrained char-CNN-RNN, which learns with the discriminator; and discriminators
that tell which caption of a batch an image has, and its words (terms `contrastive` and `named`). Lazy R1; Adam with a
high rate that falls in each stage.

    python main.py --config=stackgan
    python main.py --mode=sample --workdir=runs/stackgan --text="a thick red three on blue" --out=three.png
    python main.py --config=stackgan:folder --workdir=runs/mine --config.data.source=folder:PATH \
        --config.data.caption=text

Result: the share of what captions say that a matcher sees in 1,000 images, place, thickness, tilt, digit (background
and color: 0.95 or more). Stage I, of 20,000 pictures where it has 100,000 now, 1,200 kimg, seed 0, 280 images/s on one
core of an Intel Xeon: 0.86, 0.75, 0.77, 0.56. To the end as wide as docs/text.md says, 11 min on an H100 beside other
runs: 0.93, 0.93, 0.74, 0.72; combinations that it never saw 0.90, 0.88, 0.75, 0.64 (real images 0.97 to 1). Stage II
was unstable once in each run, see there.
"""

from gan_jax.config import config_for
from gan_jax.errors import UserError


def get_config(captions="digits"):
    if captions not in ("digits", "folder"):
        raise UserError(f"this config is for captions of digits, or stackgan:folder for your own, not for {captions!r}")
    config = config_for("stackgan")
    config.batch_size = 32
    config.doublings = 1
    config.networks.update(latent_size=32, condition_size=64)
    config.networks.refiner.update(width=32, halvings=1, blocks=2)
    config.networks.generator = {"name": "resnet", "width": 32, "grow": True}
    config.networks.discriminator.update(width=64, norm="none")
    config.terms.update(contrastive={}, named={"generator": 0.5}, r1={"weight": 0.05, "every": 8})
    config.data.source = "captioned_digits:seen"
    config.evaluation.source = "captioned_digits:test"
    config.stage_kimg, config.total_kimg = 1200.0, 1600.0
    config.optimizers.default.update(learning_rate=1e-3, schedule="linear", hold_kimg=600.0, decay_kimg=600.0)
    for player in ("refiner", "refiner_discriminator"):
        config.optimizers[player] = {"hold_kimg": 1400.0, "decay_kimg": 200.0}
    config.ema.half_life_kimg = 2.0  # averages over more, while the encoder learns, put digits at other places
    config.log_kimg, config.sample_kimg, config.eval_kimg, config.checkpoint_kimg = 10.0, 50.0, 50.0, 50.0
    if captions == "folder":
        config.data.update(source="folder:pictures", caption="text", image_size="64")
        config.evaluation.source = ""
        config.networks.refiner.halvings = 2
    return config
