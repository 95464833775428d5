"""Experiments as data: the keys that every config has, and how names in them become functions and modules."""

import difflib
import importlib
import json
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict

from gan_jax.errors import UserError

# Lengths, intervals and logging may change when a run is resumed; anything else would make it another run.
FREE_TO_CHANGE = (
    "total_kimg", "log_kimg", "sample_kimg", "checkpoint_kimg", "keep_checkpoints", "data.resident_mb",
)  # fmt: skip


def base_config() -> ConfigDict:
    """Every key with a plain default: the textbook DCGAN on the embedded digits. kimg = 1000 real images shown to D."""
    adam = {
        "learning_rate": 2e-4,
        "b1": 0.5,
        "b2": 0.999,
        "eps": 1e-8,
        "clip_norm": 0.0,  # global norm of the gradient; 0: not clipped
        "decay": "constant",  # or linear | cosine, over decay_kimg down to `final` of the start
        "decay_kimg": 0.0,
        "final": 0.0,
    }
    return ConfigDict({
        "seed": 0,
        "batch_size": 64,  # over all devices
        "total_kimg": 100.0,
        "game": "adversarial",
        "conditional": False,  # on the data's labels
        "loss": "non_saturating",  # or minimax | least_squares | hinge | wasserstein
        "penalty": {
            "name": "none",  # or r1 | gradient_penalty
            "weight": 1.0,  # the paper's gamma or lambda
            "every": 1,  # rounds; above 1 it is lazy, a turn of its own
        },
        "n_critic": 1,  # discriminator updates a round
        "networks": {
            "latent_size": 100,
            "generator": {"name": "dcgan", "width": 64, "norm": "batch"},
            "discriminator": {"name": "dcgan", "width": 64, "norm": "batch"},
        },
        "optimizers": {"generator": dict(adam), "discriminator": dict(adam)},
        "ema": {"half_life_kimg": 10.0, "ramp_up": 0.05},  # ramp_up: half-life at most this share of the images seen
        "data": {
            "source": "digits",  # or tfds:NAME[:SPLIT] | folder:PATH | zip:PATH | npz:PATH | ring | grid | ...
            "image_size": "native",  # or "64", or "48x80" (HxW)
            "fit": "crop",  # or pad | stretch
            "skip_broken": False,
            "resident_mb": 1024,  # sets up to this size are kept on the device
        },
        "log_kimg": 2.0,
        "sample_kimg": 10.0,
        "checkpoint_kimg": 20.0,
        "keep_checkpoints": 3,
    })  # fmt: skip


def closest(name: str, names: Iterable[str]) -> str:
    """A hint for a mistyped name: the names that look like it, else all."""
    names = list(names)
    near = difflib.get_close_matches(name, names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}"


def named(module: ModuleType, name: str, key: str) -> Any:
    """What `module` exports under the name that the config's `key` gives.

    Raises:
        UserError: it exports no such name.
    """
    if name not in module.__all__:
        raise UserError(f"config.{key}={name!r}: no such name; {closest(name, module.__all__)}")
    return getattr(module, name)


def import_named(package: ModuleType, name: str, key: str) -> ModuleType:
    """The module `name` of `package`, or, for a name with dots, any module that Python can import.

    Raises:
        UserError: there is no such module.
    """
    path = name if "." in name else f"{package.__name__}.{name}"
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not path.startswith(error.name):
            raise  # the module exists; what it imports does not
        raise UserError(f"config.{key}={name!r}: there is no module {path}") from None


def check(config: ConfigDict) -> None:
    """Raises UserError for a value that no run can have."""
    for key, value in flatten(config).items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
            raise UserError(f"config.{key}={value}: must not be negative")
    flat = flatten(config)
    for key in ("batch_size", "n_critic", "penalty.every", "networks.latent_size", "keep_checkpoints",
                "total_kimg", "log_kimg", "sample_kimg", "checkpoint_kimg"):  # fmt: skip
        if flat[key] == 0:
            raise UserError(f"config.{key}=0: must be positive")


def flatten(tree, prefix: str = "") -> dict[str, Any]:
    """{"data.source": "digits", ...}"""
    flat = {}
    for key, value in tree.items():
        nested = hasattr(value, "items")
        flat |= flatten(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return flat


def claim(workdir: Path, config: ConfigDict) -> None:
    """Makes `workdir` and writes config.json there, unless it holds a run that `config` would not continue.

    Raises:
        UserError: it holds another run, with the keys that differ; or it cannot be written.
    """
    path = workdir / "config.json"
    if path.exists():
        new, old = flatten(config), flatten(load(path))
        differ = [
            f"{key}: {old.get(key, 'absent')!r} there, {new.get(key, 'absent')!r} now"
            for key in sorted(new.keys() | old.keys())
            if key not in FREE_TO_CHANGE and new.get(key) != old.get(key)
        ]
        if differ:
            raise UserError(
                f"{workdir} holds a run with another config ({'; '.join(differ)}): choose another --workdir"
            )
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        partial = workdir / ".config.json"
        partial.write_text(json.dumps(config.to_dict(), indent=2) + "\n")
        partial.replace(path)
    except OSError as error:
        raise UserError(f"--workdir={workdir} cannot be written ({error.strerror})") from None


def load(path: Path) -> ConfigDict:
    """Reads the resolved config of a run.

    Raises:
        UserError: there is none.
    """
    try:
        return ConfigDict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not a readable config ({error})") from None
