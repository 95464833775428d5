"""Trains a classifier of labeled images, whose features then measure samples like them.

python main.py --mode=train_classifier --config.data.source=folder:PATH --out=mine.npz
python main.py --mode=evaluate --workdir=runs/mine --features=classifier:mine.npz
"""

import math
from collections.abc import Mapping
from pathlib import Path

from absl import flags

from gan_jax import cli
from gan_jax.errors import UserError
from gan_jax.modes import shared


def define(values: flags.FlagValues) -> None:
    shared(values, "config")
    flags.DEFINE_string("out", None, "The file, .npz.", flag_values=values)
    flags.DEFINE_string("test", None, "A data.source to test on; by default a tenth is held out.", flag_values=values)
    flags.DEFINE_float("kimg", 600.0, "Thousands of images to train on, over all epochs.", flag_values=values)
    shared(values, "seed", "overwrite")


def run(
    *, config: str, changes: Mapping[str, str], out: str | None, test, kimg: float, seed: int, overwrite=False
) -> None:
    if out is None or not out.endswith(".npz") or not Path(out).expanduser().absolute().parent.is_dir():
        raise UserError("--mode=train_classifier needs --out=FILE.npz, in a folder that exists")
    if not 0 < kimg < math.inf:
        raise UserError(f"--kimg={kimg}: must be positive")
    cli.check_seed(seed)
    data = cli.configure(config, changes).data
    cli.start_jax()
    from gan_jax.evaluation.classifier import train_to_file

    train_to_file(data, Path(out).expanduser(), test=test, images=int(1000 * kimg), seed=seed, overwrite=overwrite)
