"""The next frames of moving digits: 5 from 5 at 32 pixels, sharp; and the blurred twin that only squares its errors.

Paper: Mathieu et al. 2016, small: two digits of 14 pixels that bounce, 2 pixels a frame; four resolutions from 4 to 32
pixels with the paper's layers, an eighth as wide, no kernel larger than 3; all 5 frames at once; p = 2; the adversarial
term at weight 0.2, the paper's 0.05. What else differs is said in `gan_jax.games.next_frames`. Adam. The twin :l2 has
the same generator and the term lp alone; :long predicts 10 frames from 10, five at once, and :long_l2 is its twin.
Frames are tested on 1,000 clips of other digits.

    python main.py --config=moving_digits
    python main.py --config=moving_digits:l2 --workdir=runs/moving_digits_l2
    python main.py --config=moving_digits:long --workdir=runs/moving_digits_long
    python main.py --config=moving_digits:long_l2 --workdir=runs/moving_digits_long_l2
    python main.py --mode=evaluate --workdir=runs/moving_digits --metrics=frames
    python main.py --mode=translate --workdir=runs/moving_digits --input=CLIPS --out=predicted

Result: 100 kimg (12,500 rounds), seed 0, on an H100 beside other runs; means over the frames of 1,000 clips. 5 from 5:
squared error 36.4 (summed over pixels), sharpness 0.75; :l2 19.2 and 0.13; the last given frame 57.1 and 1.00. 10 from
10: 37.5 and 0.39, :long_l2 23.5 and 0.08, copied 62.4 and 1.01. Each frame is nearer than the copy of the last one.
Strokes are sharp, and broken: few can be read, see docs/results.md. At the paper's weight, after 20 kimg, it is not
sharper than its twin (0.02, and 0.07).
"""

from gan_jax.config import config_for
from gan_jax.errors import UserError


def get_config(twin="adversarial"):
    if twin not in ("adversarial", "l2", "long", "long_l2"):
        raise UserError(f"this config is moving_digits, or moving_digits:l2, long or long_l2, not {twin!r}")
    config = config_for("next_frames")
    config.batch_size = 8
    config.data.source = "moving_digits:digits=2,side=14,canvas=32,speed=2,walls=bounce"
    config.networks.generator.update(width=16, kernel=3)
    config.networks.discriminator.update(width=16, layers=2, norm="none")
    config.total_kimg = 100.0
    config.optimizers.default.update(
        learning_rate=1e-3, b1=0.5, schedule="linear", hold_kimg=50.0, decay_kimg=50.0, final=0.05
    )
    config.ema.half_life_kimg = 1.0
    config.eval_kimg = config.checkpoint_kimg = 20.0
    config.evaluation.num = 1000
    config.terms.adversarial.weight = 0.2
    if twin.endswith("l2"):
        config.terms = {"lp": {}}
    if twin.startswith("long"):
        config.data.frames, config.predicts = "10+10", 5
    return config
