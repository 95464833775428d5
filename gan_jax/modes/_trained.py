"""Flags and checks of the modes that train a network to measure others."""

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from absl import flags

from gan_jax import cli
from gan_jax.errors import UserError
from gan_jax.modes import shared


def define(values: flags.FlagValues, kimg: float) -> None:
    """Those flags; `kimg` is a default."""
    text = partial(flags.DEFINE_string, flag_values=values)
    shared(values, "config")
    text("out", None, "The file, .npz.")
    text("test", None, "A data.source to test on; by default a tenth is held out.")
    flags.DEFINE_float("kimg", kimg, "Thousands of images to train on, over all epochs.", flag_values=values)
    shared(values, "seed", "overwrite")


def prepare(kind: str, *, config: str, changes: Mapping[str, str], out: str | None, kimg: float, seed: int, **own):
    """(the config's data, the arguments of `train_to_file`), with JAX started.

    Raises:
        UserError: see its message.
    """
    if out is None or not out.endswith(".npz") or not Path(out).expanduser().absolute().parent.is_dir():
        raise UserError(f"--mode=train_{kind} needs --out=FILE.npz, in a folder that exists")
    if not 0 < kimg < math.inf:
        raise UserError(f"--kimg={kimg}: must be positive")
    cli.check_seed(seed)
    data = cli.configure(config, changes).data
    cli.start_jax()
    return data, {"out": Path(out).expanduser(), "images": int(1000 * kimg), "seed": seed, **own}
