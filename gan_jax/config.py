"""Experiments as data: the keys that every config has, and how names in them become functions and modules."""

import difflib
import importlib
import json
import math
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict, config_dict

from gan_jax.errors import UserError
from gan_jax.files import replacing

# Lengths, intervals and logging may change when a run is resumed; anything else would make it another run.
FREE_TO_CHANGE = (
    "total_kimg", "log_kimg", "sample_kimg", "eval_kimg", "checkpoint_kimg", "keep_checkpoints", "data.resident_mb",
    "remat",
)  # fmt: skip


def base_config() -> ConfigDict:
    """Every key with a plain default: the textbook DCGAN on the embedded digits. kimg = 1000 real images shown to D.

    It is locked, so that a mistyped key is an error; a game with keys of its own adds them under `config.unlocked()`.
    """
    optimizer = {
        "name": "adam",  # or rmsprop, whose decay is b2
        "learning_rate": 2e-4,
        "b1": 0.5,
        "b2": 0.999,
        "eps": 1e-8,
        "clip_norm": 0.0,  # global norm of the gradient; 0: not clipped
        "decay": "constant",  # or linear | cosine, over decay_kimg down to `final` of the start
        "decay_kimg": 0.0,
        "hold_kimg": 0.0,  # before that
        "final": 0.0,
        "clip_weights": 0.0,  # to [-c, c] after each update, a critic's (Arjovsky et al. 2017); 0: not clipped
        "orthogonal": 0.0,  # the paper's beta (Brock et al. 2019)
    }
    config = ConfigDict({
        "seed": 0,
        "batch_size": 64,  # over all devices
        "micro_batches": 1,  # parts of it, seen one after the other in the memory of one
        "dtype": "float32",  # or bfloat16: of the networks; parameters, statistics, losses and penalties stay float32
        "remat": False,  # compute activations again in the backward pass, to save memory
        "total_kimg": 100.0,
        "game": "adversarial",
        "labels": "ignore",  # or require, as the condition of a class-conditional game | auto: if the data have them
        "loss": "non_saturating",  # or minimax | least_squares | hinge | wasserstein | relativistic | ..._average
        "penalty": {  # on the discriminator's gradient
            "name": "none",  # or r1 | r2 | r1_r2 | gradient_penalty | one_sided_gradient_penalty | dragan
            "weight": 1.0,  # the paper's gamma or lambda, at first
            "final": 1.0,  # the share of it that is left after decay_kimg, along a cosine
            "decay_kimg": 0.0,
            "every": 1,  # rounds; above 1 it is lazy, a turn of its own
        },
        "n_critic": 1,  # discriminator updates a round
        "generator_batch": 1,  # the generator's batch, as a multiple of batch_size
        "generator_loss": {  # weights of its terms
            "adversarial": 1.0,
            "feature_matching": 0.0,
        },
        "top_k": {"share": 1.0, "decay_kimg": 0.0},  # of the fakes the generator learns from; linearly, from all
        "pac": 1,  # examples that the discriminator sees at once (Lin et al. 2018)
        "consistency": {  # weights of its terms
            "real": 0.0,  # D's of augmented real images (CR)
            "fake": 0.0,  # and of fake ones (bCR)
            "latent": 0.0,  # D's of neighbouring latents (zCR), whose images G drives apart:
            "diversity": 0.0,
            "sigma": 0.03,  # deviation of a neighbour
            "flip": True,  # whether images are augmented by flips too, as digits must not be
        },
        "lecam": {"weight": 0.0, "decay": 0.99},  # decay: of the anchors, a turn
        "augment": {  # of all that the discriminator sees
            "name": "none",  # or diffaugment | ada
            "policy": "color,translation,cutout",  # of ada: bgc
            "target": 0.6,  # of ada: its probability p is steered so that this is the mean sign of D(x) - boundary
            "p": 0.0,  # of ada with target=0: p rises to this, along a cosine
            "speed_kimg": 500.0,  # in which it does, or may go from 0 to 1
        },
        "auxiliary": {"discriminator": 1.0, "generator": 1.0},  # weights of the classifier's terms (AC-GAN)
        "info": {"categories": 0, "continuous": 0, "weight": 1.0},  # latent codes, and their weight (InfoGAN)
        "networks": {
            "latent_size": 100,  # with the latent codes
            "generator": {"name": "dcgan", "width": 64, "norm": "batch"},
            "discriminator": {"name": "dcgan", "width": 64, "norm": "batch"},
        },
        "optimizers": {"generator": dict(optimizer), "discriminator": dict(optimizer)},
        "ema": {"half_life_kimg": 10.0, "ramp_up": 0.05},  # ramp_up: half-life at most this share of the images seen
        "data": {
            "source": "digits",  # or tfds:NAME[:SPLIT] | folder:PATH | zip:PATH | npz:PATH | ring | grid | ...
            "image_size": config_dict.placeholder(object),  # "native", or 64, or "48x80" (HxW)
            "fit": "crop",  # or pad | stretch
            "skip_broken": False,
            "resident_mb": 1024,  # sets up to this size are kept on the device
            "labelled": 0,  # examples that keep their labels, an equal number of each class; 0: all
            "held_out": 0.0,  # the share of the examples that is not trained on, to test a classifier
            "split_seed": 0,  # which ones
            # What a game that translates makes an image from:
            "pair": "none",  # one half of each picture makes the other: left_right (the left is the input) | right_left
            "inputs": "",  # or the picture of equal name in another folder: or zip:
            "paired": True,  # False: inputs and targets are drawn on their own, as two sets without pairs
            "task": "none",  # or what is made of the image itself: colorize | superres | inpaint | edges
            "factor": 4,  # of superres
            "jitter": 0,  # enlarge the shorter side to so many pixels, cut out a window of the old size; 0: no
            "crop": 0,  # train on windows of this size; 0: on whole images
            "flip": False,  # half of the time, left to right
        },
        "evaluation": {  # of the averaged generator, every eval_kimg and at the end
            "features": "auto",  # or none | points | classifier[:FILE] | inception[:FILE] | inception_clean[:FILE]
            "metrics": "watched",  # or a list such as "fid,kid,pr"
            "num": 10_000,  # samples
            "source": "",  # pictures to translate, in the form of data.source; else those held out, else the data's own
        },
        "log_kimg": 2.0,
        "sample_kimg": 10.0,
        "eval_kimg": 50.0,
        "checkpoint_kimg": 20.0,
        "keep_checkpoints": 3,
    })  # fmt: skip
    config.data.image_size = "native"
    return config.lock()


def closest(name: str, names: Iterable[str]) -> str:
    """A hint for a mistyped name: the names that look like it, else all."""
    names, last = list(names), name.rpartition(".")[2]
    near = [n for n in names if difflib.get_close_matches(last, [n.rpartition(".")[2]], cutoff=0.75)]
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}"


def named(module: ModuleType, name: str, key: str, *others: str) -> Any:
    """What `module` exports under the name that the config's `key` gives; `others` are names that have been dealt with.

    Raises:
        UserError: it exports no such name.
    """
    if name not in module.__all__:
        raise UserError(f"config.{key}={name!r}: no such name; {closest(name, [*others, *module.__all__])}")
    return getattr(module, name)


def import_named(package: ModuleType, name: str, key: str, *, member: str) -> Any:
    """`member` of the module `name` of `package`, or, for a name with dots, of any module that Python can import.

    Raises:
        UserError: there is no such module or member.
    """
    path = name if "." in name else f"{package.__name__}.{name}"
    try:
        module = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if f"{path}.".startswith(f"{error.name}."):
            modules = [module.name for module in pkgutil.iter_modules(package.__path__)]
            raise UserError(f"config.{key}={name!r}: there is no module {path}; {closest(name, modules)}") from None
        raise UserError(
            f"config.{key}={name!r}: {path} needs the module {error.name}, which is not installed"
        ) from None
    if not hasattr(module, member):
        raise UserError(f"config.{key}={name!r}: {path} has no {member}")
    return getattr(module, member)


def check(config: ConfigDict) -> None:
    """Raises UserError for keys that are missing, mistyped or extra, and for values that no run can have."""
    expected = base_config()
    if missing := set(expected) - set(config):
        raise UserError(f"the config lacks the keys {', '.join(sorted(missing))}")
    fixed = (group for group, value in expected.items() if isinstance(value, ConfigDict))
    groups = {group: (config[group], expected[group]) for group in fixed if group not in ("networks", "optimizers")}
    groups |= {f"optimizers.{p}": (own, expected.optimizers.generator) for p, own in config.optimizers.items()}
    for group, (own, like) in groups.items():
        if differ := set(own) ^ set(like):
            raise UserError(f"config.{group}: missing or unknown keys: {', '.join(sorted(differ))}")
    like = flatten(expected)
    for key, value in flatten(config).items():
        kind = (int, float) if isinstance(like.get(key), float) else type(like.get(key, value))
        if key != "data.image_size" and not isinstance(value, kind):
            raise UserError(f"config.{key}={value!r}: must be of the kind of {like[key]!r}")
        low, high = RANGES.get(key, RANGES.get(key.rpartition(".")[2], (-math.inf, math.inf)))
        if isinstance(value, (int, float)) and not low <= value <= high:
            allowed = f"at least {low:g}" if high in (math.inf, 2**31 - 1) else f"between {low} and {high}"
            raise UserError(f"config.{key}={value}: must be {allowed}")


TINY = 1e-9  # what is positive is at least this
RANGES = {
    **dict.fromkeys(("seed", "data.split_seed"), (0, 2**32 - 1)),
    **dict.fromkeys(("data.labelled", "data.jitter", "data.crop", "pool"), (0, 2**31 - 1)),
    "total_kimg": (TINY, 1e12),
    **dict.fromkeys(
        ("batch_size", "n_critic", "generator_batch", "pac", "every", "latent_size", "width", "keep_checkpoints"),
        (1, 2**31 - 1),
    ),
    **dict.fromkeys(("log_kimg", "sample_kimg", "eval_kimg", "checkpoint_kimg"), (TINY, math.inf)),
    **dict.fromkeys(
        (
            "learning_rate",
            "decay_kimg",
            "hold_kimg",
            "clip_norm",
            "eps",
            "clip_weights",
            "half_life_kimg",
            "resident_mb",
        ),
        (0, math.inf),
    ),
    **dict.fromkeys(("b1", "b2"), (0, 1 - TINY)),
    "evaluation.num": (1, 2**31 - 1),
    "final": (0, 1),
    "ramp_up": (TINY, 1),
    "top_k.share": (TINY, 1),
    **dict.fromkeys(
        (
            "penalty.weight",
            "lecam.weight",
            "info.weight",
            "generator_loss.adversarial",
            "generator_loss.feature_matching",
            "auxiliary.discriminator",
            "auxiliary.generator",
            "consistency.real",
            "consistency.fake",
            "consistency.latent",
            "consistency.diversity",
            "orthogonal",
            "bias_scale",
            "semi_supervised.unlabelled_weight",
            "semi_supervised.consistency",
            "pix2pix.l1",
            "cyclegan.cycle",
            "cyclegan.identity",
            "srgan.pixel",
            "srgan.adversarial",
            "srgan.perceptual",
            "warmup_kimg",
            "input_noise",
            "noise",
        ),
        (0, math.inf),
    ),
    **dict.fromkeys(("micro_batches", "cardinality", "expansion", "embedding_size", "smallest"), (1, 2**31 - 1)),
    **dict.fromkeys(("depth", "blocks", "plain"), (0, 2**31 - 1)),
    "lecam.decay": (0, 1 - TINY),
    "dropout": (0, 1 - TINY),
    "augment.p": (0, 1),
    "augment.target": (0, 1 - TINY),
    "augment.speed_kimg": (TINY, math.inf),
    **dict.fromkeys(("info.categories", "info.continuous"), (0, 2**31 - 1)),
    "consistency.sigma": (TINY, math.inf),
}


def refuse_unheeded(config: ConfigDict, heeded: tuple[str, ...]) -> None:
    """Raises UserError if a game heeds some keys, and groups of them, alone, and another is not as in `base_config`."""
    own, plain = flatten(config), flatten(base_config())
    known = {*FREE_TO_CHANGE, "dtype", "micro_batches", *heeded}
    for key in plain:
        if key not in known and key.partition(".")[0] not in known and own[key] != plain[key]:
            raise UserError(f"config.{key}={own[key]!r}: this game knows nothing of it, leave it {plain[key]!r}")


def refuse_other_keys(config: ConfigDict, group: str, keys: Iterable[str]) -> None:
    """Raises UserError if `config.group`, a game's own, has not these very keys."""
    if set(config.get(group, {})) != set(keys):
        raise UserError(f"this game needs the keys {', '.join(f'config.{group}.{key}' for key in keys)}, and no others")


def classes_used(config: ConfigDict, num_classes: int) -> int:
    """The classes that the game is conditioned on, given those of the data; 0: it is unconditional.

    Raises:
        UserError: `labels` is require and there are none, or it is no known word.
    """
    if config.labels not in ("ignore", "auto", "require"):
        raise UserError(f"config.labels={config.labels!r}: must be ignore, auto or require")
    if config.labels == "require" and not num_classes:
        raise UserError(f"config.labels is require, but {config.data.source} has no labels")
    return 0 if config.labels == "ignore" else num_classes


def flatten(tree, prefix: str = "") -> dict[str, Any]:
    """{"data.source": "digits", ...}"""
    flat = {}
    for key, value in tree.items():
        nested = hasattr(value, "items")
        flat |= flatten(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return flat


def refuse_another(config: ConfigDict, workdir: Path) -> None:
    """Raises UserError with the keys that differ if `workdir` holds a run that `config` would not continue."""
    new, old = flatten(json.loads(config.to_json())), flatten(load(workdir / "config.json"))
    differ = [
        f"{key}: {old.get(key, 'absent')!r} there, {new.get(key, 'absent')!r} now"
        for key in sorted(new.keys() | old.keys())
        if key not in FREE_TO_CHANGE and new.get(key) != old.get(key)
    ]
    if differ:
        raise UserError(f"{workdir} holds a run with another config ({'; '.join(differ)}): choose another --workdir")


def save(config: ConfigDict, path: Path) -> None:
    """Writes the resolved config as JSON, in one piece."""
    with replacing(path) as file:
        file.write((json.dumps(config.to_dict(), indent=2) + "\n").encode())


def load(path: Path) -> ConfigDict:
    """Reads the resolved config of a run.

    Raises:
        UserError: there is none.
    """
    try:
        config = ConfigDict(json.loads(path.read_text()))
        check(config)
    except (OSError, ValueError, TypeError, AttributeError, UserError) as error:
        raise UserError(f"{path} is not the config of a run ({error})") from None
    return config
