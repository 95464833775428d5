"""3D-GAN: chairs and other solids, of 32x32x32 voxels.

Paper: Wu et al. 2016: 64x64x64 voxels, 200 uniform latents, batch 100, Adam with b1 0.5, 2.5e-3 of the generator and
1e-5 of the discriminator, which learns only while it is right of fewer than 80 % of a batch. Here R1 takes the place of
that rule (Mescheder et al. 2018), both learn at one rate, and latents are normal.

`voxgan:small` is for two CPU cores: 16x16x16 voxels and half of the width.

    python main.py --config=voxgan --config.data.source=npz:FILE
    python main.py --config=voxgan:small --config.data.source=npz:FILE

Result: `voxgan:small` on the 890 chairs of ModelNet10, 100 kimg (3,125 rounds), seed 0, 14 minutes of one core of an
Intel Xeon beside other work: 1-NN accuracy 0.626, coverage 0.420, minimum matching distance 0.523, 95.4 % of a chair in
one piece (`--mode=evaluate --num=445 --metrics=shapes,connected`: averaged generator, against a half of the chairs; the
other half has 0.460, 0.503, 0.425 and 99.9 %, its mean shape 0.991, 0.002 and 0.674). 32 voxels not yet measured.
"""

from gan_jax.config import config_for
from gan_jax.errors import UserError


def get_config(sides="32"):
    if sides not in ("32", "small"):
        raise UserError(f"this config is for 32 voxels or small (voxgan:32, voxgan:small), not for {sides!r}")
    config = config_for()
    config.data.update(source="npz:solids.npz", resolution=32 if sides == "32" else 16)
    config.labels = "auto"
    config.batch_size, config.networks.latent_size = 64, 200
    config.networks.generator = {"name": "voxgan"}
    config.networks.discriminator = {"name": "voxgan"}
    config.terms.r1 = {"weight": 1.0, "every": 8}
    config.total_kimg, config.evaluation.num = 2_000.0, 1_000
    config.optimizers.default.update(learning_rate=1e-3, schedule="linear", decay_kimg=2_000.0)
    if sides == "small":
        config.batch_size, config.networks.latent_size, config.total_kimg = 32, 64, 100.0
        config.networks.generator.width = config.networks.discriminator.width = 32
        config.optimizers.default.update(learning_rate=2e-3, decay_kimg=100.0)
        config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 2.0, 10.0, 20.0
    return config
