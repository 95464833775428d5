"""WGAN: a critic made Lipschitz by clipping its weights.

Paper: Arjovsky et al. 2017, algorithm 1: DCGAN networks, RMSprop 5e-5, weights clipped to 0.01, five turns of the
critic. What differs: 128 latents (there 100), and no hundred turns in the first rounds, which the authors' code has.

    python main.py --config=configs/wgan.py
    python main.py --config=configs/wgan.py:digits

Result: CIFAR-10 not yet measured: it is made for an accelerator.
"""

from configs._papers import dcgan, on, train_for


def get_config(data="cifar10"):
    config = on(data)
    config.loss, config.n_critic = "wasserstein", 5
    dcgan(config, critic_norm="batch")
    config.optimizers.discriminator.clip_weights = 0.01
    train_for(config, 20_000.0, "constant", name="rmsprop", learning_rate=5e-5, b2=0.99)
    if data == "digits":
        train_for(config, 250.0, "linear", learning_rate=5e-4)
    return config
