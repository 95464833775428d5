"""Configs of the smallest games that translate."""

from tiny import get_config

TINY = {
    "unet": {"width": 2, "depth": 3},
    "translation": {"width": 2, "blocks": 1},
    "srresnet": {"width": 4, "blocks": 1, "norm": "none"},
    "patch": {"width": 2, "layers": 1},
}
OWN = {
    "pix2pix": {"l1": 100.0},
    "cyclegan": {"cycle": 10.0, "identity": 0.5, "pool": 4},
    "srgan": {"pixel": 1.0, "perceptual": 0.1, "adversarial": 0.1, "features": "classifier", "warmup_kimg": 0.0},
}
NETWORKS = {
    "pix2pix": ("unet", "patch"), "cyclegan": ("translation", "patch"), "srgan": ("srresnet", "patch"),
}  # fmt: skip


def config_for(game, own=(), generator=(), discriminator=(), **changes):
    """A config of `game`; `own`, `generator`, `discriminator` change its own keys and its networks' attributes."""
    config = get_config(batch_size=2, total_kimg=0.008, log_kimg=0.004, sample_kimg=0.004, checkpoint_kimg=0.004)
    config.game = game
    with config.unlocked():
        config[game] = {**OWN[game], **dict(own)}
    for player, name, given in zip(
        ("generator", "discriminator"), NETWORKS[game], (generator, discriminator), strict=True
    ):
        norm = {"norm": "instance"} if game == "cyclegan" and name == "patch" else {}
        config.networks[player] = {"name": name, **TINY.get(name, {}), **norm, **dict(given)}
    if game == "cyclegan":
        config.loss = "least_squares"
    config.data.paired = game != "cyclegan"
    config.update_from_flattened_dict(changes)
    return config
