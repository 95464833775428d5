"""A config of the smallest experiment: two MLPs on the ring, ten rounds."""

from gan_jax.config import complete, config_for


def changed(config, changes):
    """The config, complete, with {"dotted.key": value}."""
    for key, value in changes.items():
        *groups, last = key.split(".")
        group = config
        for name in groups:
            group = group[name]
        group[last] = value
    return complete(config)


def get_config(**changes):
    """`changes` are {"dotted.key": value}."""
    config = config_for()
    config.batch_size = 16
    config.networks.latent_size = 4
    for player in ("generator", "discriminator"):
        config.networks[player] = {"name": "mlp", "width": 8, "depth": 2, "norm": "none"}
    config.data.source = "ring"
    config.total_kimg = 0.16
    config.log_kimg = config.checkpoint_kimg = 0.08
    config.sample_kimg = 0.16  # a picture takes longer than ten rounds
    config.evaluation.features = "none"
    return changed(config, changes)
