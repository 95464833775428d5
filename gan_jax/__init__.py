"""gan_jax: generative adversarial networks as pure functions in JAX, Flax and Optax.

In Python, with nothing of the command line:

    import gan_jax

    config = gan_jax.config_for("adversarial")  # every key at its default: a DCGAN on digits
    config.total_kimg = 20.0
    gan_jax.train(config, "runs/mine")
    images = gan_jax.load("runs/mine").sample(64)  # uint8 [64, 28, 28, 1]
"""

import importlib
from typing import Any

__version__ = "0.3.0"
__all__ = ["config_for", "load", "train"]


def load(workdir, checkpoint: str = "last", code: tuple = ()):
    """A trained run, see `gan_jax.run.Run` for what can be done with it.

    Args:
        workdir: of the run.
        checkpoint: "last", the latest intact one, "best", or a number of rounds.
        code: folders with modules of yours that the run names, which may then be executed; a run that was trained here
            needs none.

    Raises:
        UserError: there is no run, or no such checkpoint, or it names modules that are not part of this library.
    """
    from gan_jax import own_code, run

    with own_code.trusting(workdir, code):
        return run.load(workdir, checkpoint)


def __getattr__(name: str) -> Any:
    """`train` and `config_for`, which import JAX, when they are asked for: so the command line answers at once."""
    places = {"train": "gan_jax.loop", "config_for": "gan_jax.config"}
    if name not in places:
        raise AttributeError(f"module 'gan_jax' has no attribute {name!r}")
    return getattr(importlib.import_module(places[name]), name)
