"""The smallest games that translate, and pictures for them."""

import jax
import numpy as np
from PIL import Image
from tiny import changed

from gan_jax import config as configs
from gan_jax.modalities import Field, image
from gan_jax.run import load
from gan_jax.sampling import make_sampler

SIDE = 16
TINY = {
    "unet": {"width": 2, "depth": 3},
    "translation": {"width": 2, "blocks": 1},
    "srresnet": {"width": 4, "blocks": 1, "norm": "none"},
    "patch": {"width": 2, "layers": 1},
}
WEIGHTS = {
    "pix2pix": {"adversarial": 1.0, "l1": 100.0},
    "cyclegan": {"adversarial": 1.0, "cycle": 10.0, "identity": 5.0},
    "srgan": {"pixel": 1.0, "perceptual": 0.1, "adversarial": 0.1},
}
NETWORKS = {
    "pix2pix": ("unet", "patch"), "cyclegan": ("translation", "patch"), "srgan": ("srresnet", "patch"),
}  # fmt: skip
# Of `config_for`, where it does not matter what CycleGAN translates with: half as many layers are compiled.
SOON = {"weights": {"identity": 0.0}, "generator": {"name": "unet", "depth": 2, "norm": "instance"}}
SHORT = {"batch_size": 2, "total_kimg": 0.008, "log_kimg": 0.004, "sample_kimg": 0.004, "checkpoint_kimg": 0.004}


def config_for(game, weights=(), generator=(), discriminator=(), **changes):
    """A config of `game`.

    Args:
        game: its name.
        weights: {term: weight}, other than the game's; 0: off.
        generator, discriminator: their networks' attributes, other than the smallest, or another "name".
        changes: {"dotted.key": value}.
    """
    config = configs.config_for(game)
    config.terms = {name: {"weight": weight} for name, weight in {**WEIGHTS[game], **dict(weights)}.items() if weight}
    for player, name, given in zip(
        ("generator", "discriminator"), NETWORKS[game], (generator, discriminator), strict=True
    ):
        norm = {"norm": "instance"} if game == "cyclegan" and name == "patch" else {}
        network = {"name": name, **norm, **dict(given)}
        config.networks[player] = {**TINY.get(network["name"], {}), **network}
    config.data.paired = game != "cyclegan"
    own = {"pool": 4} if game == "cyclegan" else {}
    return changed(config, {**SHORT, "evaluation.features": "none", **own, **changes})


def fields_of(shape, input_shape=None):
    """Of images and what they are made from, of the same shape or of another."""
    return {"image": Field(image.MODALITY, shape), "input": Field(image.MODALITY, input_shape or shape)}


def random_picture(seed, height=SIDE, width=SIDE, channels=3):
    """Smooth enough that JPEG and bicubic interpolation keep most of it."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, channels), np.uint8)
    return Image.fromarray(small.squeeze()).resize((width, height), Image.Resampling.BICUBIC)


def save_all(folder, count, make, first=0):
    """Pictures, named by their numbers, as a data.source."""
    folder.mkdir(parents=True)
    for number in range(first, first + count):
        make(number).save(folder / f"{number}.png")
    return f"folder:{folder}"


def opened(path):
    return np.asarray(Image.open(path))


def sampled(workdir, *given, name="ab"):
    """What the averaged generator makes of uint8 [H, W, C], one by one and with the noise of their number."""
    run = load(workdir)
    game_map, variables = run.experiment.game.maps[name], run.variables()
    sample, (field,) = make_sampler(game_map, run.experiment.fields), game_map.given
    return [
        sample(variables, jax.random.key(0), {field: image[None]}, np.array([number]))[0]
        for number, image in enumerate(given)
    ]


def assert_alike(made, wanted):
    """But for rounding: how many images a network sees at once changes the last digits."""
    made, wanted = np.asarray(made), np.asarray(wanted)
    assert made.shape == wanted.shape and np.abs(made.astype(int) - wanted).max() <= 1
