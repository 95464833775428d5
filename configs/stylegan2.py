"""StyleGAN2: a mapping network, modulated convolutions, noise and a penalty on the lengths of paths.

Paper: Karras et al. 2020 (StyleGAN2-ADA), the setting for CIFAR-10: 512 channels at every resolution, 19.9 and 20.7
million parameters without labels, 20.2 and 23.1 with, as there; a mapping network of two layers, neither mixing of
styles nor path lengths, no residuals in the discriminator, groups of 32 for the standard deviation, R1 of 0.01 every 16
rounds, batch 64, Adam 2.5e-3 (0, 0.99), an average with a half-life of 500 kimg, flips, adaptive augmentation
by blits, geometry and color (bgc). FID 2.42 there with labels. On faces and digits: small networks, batch 16, higher
rates that fall to 0, more of R1.

    python main.py --config=stylegan2
    python main.py --config=stylegan2:digits
    python main.py --config=stylegan2:faces --workdir=runs/faces --config.data.source=folder:PATH

Result: on digits, 80 kimg, seeds 0 to 2, about 45 min each on one core of an AMD EPYC, 25 on two: FID (digits) 5.6 ±
1.3, precision 0.655, recall 0.527, path length 1,095 ± 77 in w and 1,501 ± 58 in z. What led there, seed 0, one run
each: 40 kimg 21.2, with a width of 16 and 64 channels at most 25.1. At that width, 20 kimg, a constant rate: batch 32,
rate 2.5e-3, R1 1, styles mixed, a residual discriminator 89.7; R1 10 84.4; rate 0.01 97.4, with batch 16 79.8; no
mixing 51.2; no residuals 31.9, where R1 1 gives 80.5 and 30 77.0, rate 0.005 54.9; 60 kimg 29.5.
On 12,000 faces at 32 pixels (All-Age-Faces), 200 kimg, seed 0, 87 min on one core of an Intel Xeon that had other
work: Fréchet distance of features of a classifier of age (10,000 samples) 6.2 after 50 kimg, 3.8 after 100, 3.0 after
150, 1.7 at the end, precision 0.811, recall 0.668. What led there, 16 kimg, a constant rate, one run each: rate 0.005
and R1 1 10.1; rate 0.01 9.0; R1 10 6.6. With dtype=bfloat16, 2,000 rounds on digits (8 to 32 channels) stay finite.
CIFAR-10 not yet measured.
"""

from gan_jax.configs._papers import on, train_for


def get_config(data="cifar10"):
    config = on("digits" if data == "faces" else data)
    config.labels = "require" if data == "cifar10" else "ignore"
    width, most, latents = {"cifar10": (512, 512, 512), "digits": (32, 128, 64), "faces": (32, 128, 128)}[data]
    config.networks.latent_size = latents
    config.networks.generator = {"name": "stylegan2", "width": width, "max_width": most, "mixing": 0.0}
    config.networks.generator["w_size"] = latents
    config.networks.discriminator = {"name": "stylegan2", "width": width, "max_width": most, "architecture": "original"}
    config.terms.r1 = {"weight": 0.01, "every": 16}
    train_for(config, 100_000.0, "constant", learning_rate=2.5e-3, b1=0.0, b2=0.99)
    if data == "cifar10":
        config.networks.discriminator.group = 32
        config.augment.update(name="ada", policy="bgc")
        config.data.flip = True
        config.ema.half_life_kimg = 500.0
    else:
        config.batch_size = 16
        config.terms.r1.weight = 10.0
        train_for(config, 80.0, "linear", learning_rate=0.01)
    if data == "faces":
        config.data.source, config.data.image_size = "folder:faces", "32"
        config.data.flip = True
        train_for(config, 200.0, "linear")
        config.log_kimg, config.sample_kimg, config.checkpoint_kimg = 1.0, 10.0, 5.0
    return config
