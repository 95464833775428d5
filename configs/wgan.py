"""WGAN: a critic made Lipschitz by clipping its weights.

Paper: Arjovsky et al. 2017, algorithm 1: DCGAN networks, 100 latents, RMSprop 5e-5, weights clipped to 0.01, five turns
of the critic. What differs from the authors' code: no hundred turns in each of the first 25 rounds and every 500th;
weights are clipped after a turn, as in the algorithm, there before it; the critic's last layer has a bias; 32 pixels,
there 64. FID 107.7 on CIFAR-10 in Kang et al. 2023 (StudioGAN), with Adam and a ResNet.

    python main.py --config=wgan
    python main.py --config=wgan:digits

Result: on digits, 250 kimg (1,563 rounds), seed 0, one core of an AMD EPYC, 2:45: FID 28.9, precision 0.489, recall
0.329, confidence 0.819 (`--mode=evaluate --num=10000`: averaged generator, classifier features). CIFAR-10 not yet
measured: it needs a GPU or TPU.
"""

from gan_jax.configs._papers import dcgan, on, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.loss, config.n_critic = "wasserstein", 5
    dcgan(config, critic_norm="batch")
    config.optimizers.default = {"name": "rmsprop", "decay": 0.99, "eps_in_sqrt": False}  # as the authors' code
    config.optimizers.discriminator = {"clip_weights": 0.01}
    config.networks.latent_size = 100
    train_for(config, 20_000.0, "constant", learning_rate=5e-5)
    if data == "digits":
        config.networks.latent_size = 32
        train_for(config, 250.0, "linear", learning_rate=5e-4)
    return config
