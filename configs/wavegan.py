"""WaveGAN: one second of sound, sample by sample.

Paper: Donahue et al. 2019, on SC09, the spoken digits of the Speech Commands (Warden 2018): 16,384 samples at 16 kHz,
the Wasserstein objective with a gradient penalty of 10, five turns of the critic, phase shuffle of 2, Adam 1e-4
(0.5, 0.9), batch 64, 200,000 rounds; Inception-style score 4.67, 4.12 without phase shuffle, of real sounds 9.18. The
data are to be had at https://github.com/chrisdonahue/wavegan; give them by `--config.data.source`. The paper's sounds
have no labels; where folders are classes, `--config.labels=require` makes it conditional.

`wavegan:digits` is for two CPU cores and the Free Spoken Digit Dataset (3,000 recordings of 6 speakers, 8 kHz,
https://github.com/Jakobovski/free-spoken-digit-dataset), or as small a set of yours: 6,144 samples, which hold 98 % of
these words as a whole, a quarter of the width, labels (the beginnings of the files' names), the non-saturating
objective with R1 and one turn of the discriminator.

    python main.py --config=wavegan --config.data.source=folder:sc09/train
    python main.py --config=wavegan:digits --config.data.source=folder:recordings

Result: `wavegan:digits` on the 2,700 recordings whose numbers are 5 or more, 240 kimg (7,500 rounds), seed 0, 39
minutes of one core of an Intel Xeon: a classifier that hears 97.7 % of the other 300 recordings right hears 69.5 % of
the samples as what they were made for; its Inception score of them is 7.08 (those recordings 8.61), FID 8.6 (1.2),
precision 0.326, recall 0.211, and none is a copy (`--mode=evaluate --num=3000`: averaged generator, features of that
classifier). FID is best after 120 kimg, 7.9, as the discriminator then begins to know the recordings by heart. SC09
not yet measured: it needs a GPU or TPU.
"""

from gan_jax.config import config_for
from gan_jax.errors import UserError


def get_config(data="sc09"):
    if data not in ("sc09", "digits"):
        raise UserError(f"this config is for sc09 or digits (wavegan:sc09, wavegan:digits), not for {data!r}")
    config = config_for()
    config.data.source = "folder:sounds"
    config.networks.latent_size, config.networks.prior = 100, "uniform"
    config.networks.generator = {"name": "wavegan"}
    config.networks.discriminator = {"name": "wavegan"}
    if data == "sc09":
        config.batch_size, config.total_kimg = 64, 64_000.0
        config.data.rate = 16_000
        config.loss, config.n_critic = "wasserstein", 5
        config.terms.gradient_penalty = {"weight": 10.0}
        config.optimizers.default.update(learning_rate=1e-4, b1=0.5, b2=0.9)
    else:
        config.batch_size, config.total_kimg = 32, 240.0
        config.evaluation.num = 3_000
        config.data.update(label="name", length=6_144, rate=8_000, normalize=True)
        config.labels = "require"
        config.networks.generator.width = config.networks.discriminator.width = 16
        config.terms.r1 = {"weight": 0.3, "every": 8}
        config.optimizers.default.update(learning_rate=2e-3, schedule="linear", decay_kimg=240.0)
        config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 2.0, 10.0, 20.0
    return config
